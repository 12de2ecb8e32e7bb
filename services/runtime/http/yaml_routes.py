"""Routes whose bodies people write by hand: YAML is taken beside JSON, and every error names its line."""

import json
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.runtime.errors import FieldError, ValidationFailed
from services.runtime.http.edge import declare_json, replay
from services.runtime.http.problems import field_errors
from services.runtime.http.source_lines import Positions, positions_in_json
from services.runtime.http.yaml_bodies import parse_yaml
from services.runtime.security.auth import Caller
from services.runtime.turns import in_thread

YAML = "application/yaml"
TAKES_YAML: Mapping[str, Any] = {
    "requestBody": {"description": "JSON, or the same as YAML with `Content-Type: application/yaml`."}
}
"""`openapi_extra` of a route of this kind that has a body. YAML is no second content: generators of clients
cannot write it, and warn."""

_YAML = re.compile(r"\s*(?:application|text)/(?:x-)?yaml\s*(?:;.*)?", re.IGNORECASE)


class WrittenRoute(APIRoute):
    """Give it as `route_class` of a router. Endpoints look up lines with `positions_of`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, behind the reading of YAML."""
        handle = super().get_route_handler()

        async def read_and_handle(request: Request) -> Response:
            taken = await _as_json(request)
            try:
                return await handle(taken)
            except RequestValidationError as error:
                if not hasattr(request.state, "json"):
                    raise
                raise ValidationFailed(await _found(taken, error)) from error
            except ValidationFailed as refusal:
                refusal.extra["errors"] = await _with_lines(taken, refusal.errors)
                raise

        return read_and_handle


async def positions_of(request: Request) -> Positions:
    """Lines where the values of this request's body stand, as it was sent."""
    if not hasattr(request.state, "positions"):
        is_json = hasattr(request.state, "json")
        request.state.positions = (
            await in_thread(positions_in_json, (await request.body()).decode()) if is_json else Positions({})
        )
    found: Positions = request.state.positions
    return found


def faults_of(errors: Sequence[Mapping[str, Any]], body: Any, language: str | None) -> list[FieldError]:
    """Pydantic's errors of a body, one for each place, by pointers that a reader finds in what they wrote."""
    shown = [{**error, "loc": _written(error, body)} for error in errors]
    return list({error["pointer"]: error for error in reversed(field_errors(shown, language))}.values())[::-1]


async def _as_json(request: Request) -> Request:
    """The request with its YAML as JSON. Nothing is parsed for whoever has not signed in: they are refused later."""
    if not _YAML.fullmatch(request.headers.get("content-type", "")):
        return request
    value, positions = None, Positions({})
    if isinstance(getattr(request.state, "caller", None), Caller):
        value, positions = await in_thread(parse_yaml, await request.body())
    request.state.json = {} if value is None else value
    request.state.positions = positions
    declare_json(request.scope)
    return Request(request.scope, replay(json.dumps(request.state.json).encode(), request.receive))


async def _found(request: Request, error: RequestValidationError) -> list[FieldError]:
    language = request.headers.get("accept-language")
    of_body = [{**each, "loc": each["loc"][1:]} for each in error.errors() if each["loc"][:1] == ("body",)]
    of_others = [each for each in error.errors() if each["loc"][:1] != ("body",)]
    told = faults_of(of_body, getattr(request.state, "json", {}), language)
    return [*field_errors(of_others, language), *await _with_lines(request, told)]


async def _with_lines(request: Request, errors: Sequence[FieldError]) -> list[FieldError]:
    positions = await positions_of(request)
    return [{"line": positions.line_of(each["pointer"]), **each} for each in errors]


def _written(error: Mapping[str, Any], body: Any) -> tuple[int | str, ...]:
    """The place of an error without the names of alternatives that pydantic tried; a field that is missing is named."""
    where: list[int | str] = []
    value = body
    for part in error["loc"]:
        known = isinstance(value, dict) and part in value
        listed = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if known or listed:
            where.append(part)
            value = value[part]
    if error["type"] == "missing" and error["loc"]:
        where.append(error["loc"][-1])
    return tuple(where)
