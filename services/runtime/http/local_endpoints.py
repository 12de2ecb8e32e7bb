"""Endpoints of the internal port that services of one process call as functions, where others ask over HTTP.

An endpoint is given the same either way, and answers what JSON would carry. Whatever reads more of a request than its
path and body is asked over HTTP.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic_core import from_json, to_jsonable_python

from services.runtime.errors import ValidationFailed
from services.runtime.http.problems import field_errors
from services.runtime.role_parts import Part, Published
from services.runtime.security.auth import SERVICE, peer
from services.runtime.service_client import EndpointCall

_READS_MORE = ("query_params", "header_params", "cookie_params", "request_param_name", "http_connection_param_name",
               "response_param_name", "background_tasks_param_name")  # fmt: skip


@contextmanager
def answering_each_other(parts: Sequence[Part]) -> Iterator[None]:
    """Let the services of one process call each other's endpoints, while the block lasts."""
    endpoints = LocalEndpoints(parts)
    clients = [client for part in parts for client in part.clients]
    for client in clients:
        client.local = endpoints.find
    try:
        yield
    finally:
        for client in clients:
            client.local = None


class LocalEndpoints:
    """The endpoints of these parts. A path belongs to one service, whichever client asks for it."""

    def __init__(self, parts: Sequence[Part]) -> None:
        services = {part.name: part.state for part in parts}
        routes = [route for part in parts for router in part.internal_routers for route in _routes(router)]
        self._endpoints = [endpoint for route in routes if (endpoint := _endpoint(route, services))]
        self._by_path = {(it.method, it.path): it for it in self._endpoints}

    def find(self, method: str, path: str) -> EndpointCall | None:
        """The call of an endpoint, which takes the body; None where only HTTP leads to it."""
        if (fixed := self._by_path.get((method, path))) is not None:
            return partial(fixed.call, {})
        decoded = unquote(path)
        for endpoint in self._endpoints:
            if endpoint.method == method and (found := endpoint.pattern.match(decoded)):
                return partial(endpoint.call, found.groupdict())
        return None


@dataclass(frozen=True)
class _Endpoint:
    """An endpoint with what it is given besides path and body."""

    method: str
    path: str
    pattern: re.Pattern[str]
    dependant: Dependant
    function: Callable[..., Awaitable[object]]
    given: Mapping[str, object]

    async def call(self, in_path: Mapping[str, str], body: object) -> Any:
        """Answer what JSON would carry.

        Raises:
            ValidationFailed: path or body are not what the endpoint takes.
        """
        values = {**self.given}
        for field in self.dependant.path_params:
            values[field.name] = _read(field, in_path[field.alias], ("path", field.alias))
        for field in self.dependant.body_params:
            values[field.name] = _read(field, {} if body is None else body, ("body",))
        answer = await self.function(**values)
        if isinstance(answer, Response):
            return from_json(bytes(answer.body)) if answer.body else None
        return to_jsonable_python(answer)


def _read(field: Any, value: object, place: tuple[str, ...]) -> Any:
    read, errors = field.validate(value, {}, loc=place)
    if errors:
        raise ValidationFailed(field_errors(errors))
    return read


def _routes(router: APIRouter) -> Iterator[APIRoute]:
    return (route for route in router.routes if isinstance(route, APIRoute))


def _endpoint(route: APIRoute, services: Mapping[str, object]) -> _Endpoint | None:
    dependant = route.dependant
    if any(getattr(dependant, name) for name in _READS_MORE) or len(dependant.body_params) > 1:
        return None
    given: dict[str, object] = {}
    for each in dependant.dependencies:
        if each.call is peer:
            given[str(each.name)] = SERVICE
        elif isinstance(each.call, Published):
            given[str(each.name)] = services[each.call.name]
        else:
            return None
    (method,) = route.methods or {"GET"}
    return _Endpoint(method, route.path, route.path_regex, dependant, route.endpoint, given)
