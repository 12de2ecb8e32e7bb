"""The OpenAPI document as this server behaves: problem documents, who must sign in, and the headers of api.md."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from services.runtime.http.problems import MEDIA_TYPE, Problem
from services.runtime.security.auth import caller

_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A staff token from `/v1/token`, or an API key (`bh_...`).",
}
_ERROR = {
    "description": "A problem document; `code` says which.",
    "headers": {
        "Retry-After": {"description": "Seconds after which a repeat may succeed.", "schema": {"type": "integer"}}
    },
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A repeat with the same key and body gets the first answer again; with another body, 422.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_FAILURES = ("4XX", "5XX")
_OF_A_MODULE = "__"
_SCHEMAS = "#/components/schemas/"
_REPLAYED = {
    "description": "`true` on the first answer given again; absent otherwise.",
    "schema": {"type": "string", "const": "true"},
}

VERSIONED: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "The version, in quotes.", "schema": {"type": "string"}}}}
}
"""`responses` of a route that answers with `etag`."""
LOCATED: dict[int | str, dict[str, Any]] = {
    201: {"headers": {"Location": {"description": "The path of what was made.", "schema": {"type": "string"}}}}
}
"""`responses` of a route that makes something with a path of its own."""
CONDITIONAL: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "description": "The version that must still be the latest, as in `ETag`, or a list of which one must be; "
            "`*` for any that there is. 412 `stale_version` otherwise. A weak tag (`W/`) is never the latest.",
            "schema": {"type": "string"},
        }
    ]
}
"""`openapi_extra` of a route that obeys `if_match`."""


def describe(app: FastAPI) -> None:
    """Let `app.openapi()` answer the amended document, made once, and `/openapi.json` too.

    Making it takes a second, in which nobody else is to wait: whoever asks first has it made in a thread.
    """
    generate, making = app.openapi, asyncio.Lock()

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _amend(generate(), app)
        return app.openapi_schema

    async def read(_: Request) -> Response:
        async with making:
            return await asyncio.to_thread(lambda: JSONResponse(openapi()))

    app.openapi = openapi  # type: ignore[method-assign]
    app.router.add_route("/openapi.json", read, methods=["GET"], include_in_schema=False)


def _amend(document: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    components["securitySchemes"] = {"bearer": _SCHEME}
    routes = {_operation(route): route for route in app.routes if isinstance(route, APIRoute)}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            _amend_operation(operation, method, routes[path, method])
    _require_one_name_an_operation(document)
    for hook in (hook for each in document.get("webhooks", {}).values() for hook in each.values()):
        hook["responses"].pop("422", None)
        hook["security"] = []
    return with_one_name_a_schema(document)


def _require_one_name_an_operation(document: dict[str, Any]) -> None:
    named = Counter(each["operationId"] for path in document.get("paths", {}).values() for each in path.values())
    if twice := [name for name, times in named.items() if times > 1]:
        raise ValueError(f"two endpoints have one name, rename one: {', '.join(twice)}")


def _amend_operation(operation: dict[str, Any], method: str, route: APIRoute) -> None:
    # Not `default`: a client that is generated would take it for the success too.
    operation["responses"].pop("422", None)
    operation["responses"].update(dict.fromkeys(_FAILURES, _ERROR))
    operation["operationId"] = route.operation_id or route.name
    operation["security"] = [{"bearer": []}] if _signs_in(route) else []
    if method == "post" and operation["security"]:
        _tell_of_repeats(operation)


def with_one_name_a_schema(document: dict[str, Any]) -> dict[str, Any]:
    """Give every schema a name that is a class's in any language, and its title the same.

    A model that is taken otherwise than it is answered makes two schemas, `ProductInput` and `ProductOutput`: under one
    title, generators keep the first and drop whatever mentions the other.

    Raises:
        ValueError: two models share a name, and the document would tell them apart by modules, which nobody outside
            knows.
    """
    schemas = document["components"]["schemas"]
    names = {name: name.replace("-", "").replace("_", "") for name in schemas}
    taken = Counter(names.values())
    if twice := [name for name in schemas if _OF_A_MODULE in name or taken[names[name]] > 1]:
        raise ValueError(f"two models have one name, rename one: {', '.join(twice)}")
    renamed: dict[str, Any] = _with_references(document, {_SCHEMAS + old: _SCHEMAS + new for old, new in names.items()})
    named = {names[old]: schema for old, schema in renamed["components"]["schemas"].items()}
    renamed["components"]["schemas"] = {name: {**schema, "title": name} for name, schema in named.items()}
    return renamed


def _with_references(part: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _with_references(value, renamed) for name, value in part.items()}
    if isinstance(part, list):
        return [_with_references(each, renamed) for each in part]
    return renamed.get(part, part) if isinstance(part, str) else part


def _tell_of_repeats(operation: dict[str, Any]) -> None:
    """Keys are scoped to a caller, so only where one signs in."""
    operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer.setdefault("headers", {})["Idempotent-Replay"] = _REPLAYED


def _operation(route: APIRoute) -> tuple[str, str]:
    return route.path_format, min(route.methods or ()).lower()


def _signs_in(route: APIRoute) -> bool:
    return _depends_on_caller(route.dependant)


def _depends_on_caller(dependant: Dependant) -> bool:
    return dependant.call is caller or any(_depends_on_caller(each) for each in dependant.dependencies)
