"""Routes of the hottest paths: the edge hands a request that is plainly in order to the endpoint, past FastAPI.

Whatever is not (a query, a body that the model refuses) goes FastAPI's way, which alone says what is wrong with it.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope

Direct = Callable[[Scope, Receive], Awaitable[Response | None]]
"""Answers a request; None, before anything was done, for what the whole app is to answer."""


class DirectRoute(APIRoute):
    """Give it as `route_class` of a router. Its endpoint answers a `Response`; it and its dependencies are coroutine
    functions of a request, of texts in its path, of other such dependencies and, for the endpoint, one JSON body. The
    last part of its path is its own."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if path.endswith("}"):
            raise TypeError(f"{path} takes more than a direct route gives")
        self._call = _Call.of(self.dependant)

    async def answer(self, scope: Scope, receive: Receive) -> Response | None:
        """Answer a request whose JSON the edge has parsed; a dependency's refusal passes."""
        found = self.path_regex.match(scope["path"])
        if found is None or scope["query_string"] or "json" not in scope["state"]:
            return None
        scope["route"], scope["path_params"] = self, found.groupdict()
        try:
            response: Response = await self._call.made(Request(scope, receive))
        except _OtherBody:
            return None
        return response


class DirectRoutes:
    """The direct ones of these routes, found by method and the shape of a path: how long it is, and how it ends."""

    def __init__(self, routes: Iterable[BaseRoute] = ()) -> None:
        direct = [route for route in routes if isinstance(route, DirectRoute)]
        self._by_shape = {
            (method, *_shape(route.path)): route.answer for route in direct for method in route.methods or ()
        }

    def find(self, method: str, path: str) -> Direct | None:
        """The one that may answer a request."""
        return self._by_shape.get((method, *_shape(path)))


def _shape(path: str) -> tuple[int, str]:
    return path.count("/"), path.rpartition("/")[2]


class _OtherBody(Exception):
    """The body is not as the model says."""


@dataclass(frozen=True)
class _Call:
    """A coroutine function, and what it is given by name."""

    function: Callable[..., Awaitable[Any]]
    request: str | None
    in_path: tuple[str, ...]
    body: tuple[str, type[BaseModel]] | None
    dependencies: tuple[tuple[str, "_Call"], ...]

    @classmethod
    def of(cls, dependant: Dependant) -> "_Call":
        """Read what FastAPI found in a signature.

        Raises:
            TypeError: it takes more than a direct route gives.
        """
        if not _is_coroutine_function(dependant.call) or not _is_plain(dependant):
            raise TypeError(f"{dependant.call} takes more than a direct route gives")
        bodies = [(each.name, each.field_info.annotation) for each in dependant.body_params]
        dependencies = tuple((each.name or "", cls.of(each)) for each in dependant.dependencies)
        return cls(
            dependant.call,  # type: ignore[arg-type]
            dependant.request_param_name,
            tuple(each.name for each in dependant.path_params),
            next(iter(bodies), None),  # type: ignore[arg-type]
            dependencies,
        )

    async def made(self, request: Request) -> Any:
        """Call with everything that the function takes; who asks is looked at before what they say."""
        given = {name: await each.made(request) for name, each in self.dependencies}
        given |= {name: request.path_params[name] for name in self.in_path}
        if self.request is not None:
            given[self.request] = request
        if self.body is not None:
            name, model = self.body
            try:
                given[name] = model.__pydantic_validator__.validate_python(request.state.json)
            except ValidationError as error:
                raise _OtherBody from error
        return await self.function(**given)


def _is_coroutine_function(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _is_plain(dependant: Dependant) -> bool:
    fields = (dependant.query_params, dependant.header_params, dependant.cookie_params)
    objects = (
        dependant.websocket_param_name,
        dependant.http_connection_param_name,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
    )
    texts = [each.field_info.annotation is str and not each.field_info.metadata for each in dependant.path_params]
    models = [each.field_info.annotation for each in dependant.body_params]
    is_one_model = len(models) <= 1 and all(isinstance(each, type) and issubclass(each, BaseModel) for each in models)
    return is_one_model and all(texts) and not any(fields) and not any(objects)
