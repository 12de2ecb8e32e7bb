"""Unknown query parameters are refused: a filter that is misspelt would list everything.

Pages ignore them: links to pages get parameters on their way that nobody here has chosen.
"""

from collections.abc import Callable, Coroutine, Iterator
from copy import copy
from dataclasses import replace
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, request_response
from pydantic import BaseModel
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send


def refusing_unknown_queries(route: BaseRoute) -> BaseRoute:
    """The route, which refuses query parameters that its endpoint does not know, after it has asked who may.

    A request without any is not held up: each dependency costs, and most have none.
    """
    if not isinstance(route, APIRoute) or not route.include_in_schema:
        return route
    checked, strict = copy(route), copy(route)
    check = get_dependant(path=route.path_format, call=_refuse_all_but(frozenset(_names(route.dependant))))
    strict.dependant = replace(route.dependant, dependencies=[*route.dependant.dependencies, check])
    checked.app = _by_query(route.app, request_response(strict.get_route_handler()))
    return checked


def _by_query(without: ASGIApp, with_some: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (with_some if scope["query_string"] else without)(scope, receive, send)

    return app


def _refuse_all_but(known: frozenset[str]) -> Callable[[Request], Coroutine[Any, Any, None]]:
    async def refuse(request: Request) -> None:
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            raise RequestValidationError([_unknown(name) for name in unknown])

    return refuse


def _unknown(name: str) -> dict[str, Any]:
    return {"type": "extra_forbidden", "loc": ("query", name), "msg": "Unknown query parameter", "input": None}


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (info.alias or name for name, info in model.model_fields.items())
        else:
            yield field.alias
    for each in dependant.dependencies:
        yield from _names(each)
