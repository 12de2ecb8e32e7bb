"""The OpenAPI document as this server behaves: problem documents, and who must sign in."""

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
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
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def describe(app: FastAPI) -> None:
    """Let `app.openapi()` answer the amended document, made once."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _amend(generate(), app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


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
    return document


def _operation(route: APIRoute) -> tuple[str, str]:
    return route.path_format, min(route.methods or ()).lower()


def _signs_in(route: APIRoute) -> bool:
    return _depends_on_caller(route.dependant)


def _depends_on_caller(dependant: Dependant) -> bool:
    return dependant.call is caller or any(_depends_on_caller(each) for each in dependant.dependencies)
