"""The OpenAPI document as this server behaves: problem documents, who must sign in, and the headers of api.md."""

import asyncio
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from services.runtime.auth import caller
from services.runtime.http.problems import MEDIA_TYPE, Problem

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
            "description": "The version that must still be the latest, as in `ETag`; 412 `stale_version` otherwise.",
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
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    components["securitySchemes"] = {"bearer": _SCHEME}
    open_to_all = {_operation(route) for route in app.routes if isinstance(route, APIRoute) and not _signs_in(route)}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _ERROR
            operation["security"] = [] if (path, method) in open_to_all else [{"bearer": []}]
            if method == "post" and operation["security"]:
                _tell_of_repeats(operation)
    return document


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
