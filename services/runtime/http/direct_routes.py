"""Routes of the hottest paths: the edge hands a request that is plainly in order to the endpoint, past FastAPI.

Whatever is not (a query, a body that the model refuses) goes FastAPI's way, which alone says what is wrong with it.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
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
    functions of a request, of other such dependencies and, for the endpoint, one JSON body."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._call = _Call.of(self.dependant)

    async def answer(self, scope: Scope, receive: Receive) -> Response | None:
        """Answer a request whose JSON the edge has parsed; a dependency's refusal passes."""
        if scope["query_string"] or "json" not in scope["state"]:
            return None
        scope["route"] = self
        try:
            response: Response = await self._call.made(Request(scope, receive))
        except _OtherBody:
            return None
        return response


def direct_routes(routes: Iterable[BaseRoute]) -> Mapping[tuple[str, str], Direct]:
    """The direct ones of these routes, by method and path."""
    direct = [route for route in routes if isinstance(route, DirectRoute)]
    return {(method, route.path): route.answer for route in direct for method in route.methods or ()}


class _OtherBody(Exception):
    """The body is not as the model says."""


@dataclass(frozen=True)
class _Call:
    """A coroutine function, and what it is given by name."""

    function: Callable[..., Awaitable[Any]]
    request: str | None
    body: tuple[str, type[BaseModel]] | None
    dependencies: tuple[tuple[str, "_Call"], ...]

    @classmethod
    def of(cls, dependant: Dependant) -> "_Call":
        """Read what FastAPI found in a signature.

        Raises:
            TypeError: it takes more than a direct route gives.
        """
        if not inspect.iscoroutinefunction(dependant.call) or not _is_plain(dependant):
            raise TypeError(f"{dependant.call} takes more than a direct route gives")
        bodies = [(each.name, each.field_info.annotation) for each in dependant.body_params]
        dependencies = tuple((each.name or "", cls.of(each)) for each in dependant.dependencies)
        return cls(dependant.call, dependant.request_param_name, next(iter(bodies), None), dependencies)  # type: ignore[arg-type]

    async def made(self, request: Request) -> Any:
        """Call with everything that the function takes; who asks is looked at before what they say."""
        given = {name: await each.made(request) for name, each in self.dependencies}
        if self.request is not None:
            given[self.request] = request
        if self.body is not None:
            name, model = self.body
            try:
                given[name] = model.__pydantic_validator__.validate_python(request.state.json)
            except ValidationError as error:
                raise _OtherBody from error
        return await self.function(**given)


def _is_plain(dependant: Dependant) -> bool:
    fields = (dependant.path_params, dependant.query_params, dependant.header_params, dependant.cookie_params)
    objects = (
        dependant.websocket_param_name,
        dependant.http_connection_param_name,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
    )
    models = [each.field_info.annotation for each in dependant.body_params]
    is_one_model = len(models) <= 1 and all(isinstance(each, type) and issubclass(each, BaseModel) for each in models)
    return is_one_model and not any(fields) and not any(objects)
