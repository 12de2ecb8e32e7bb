"""The FastAPI app of a process: routers of its parts behind one edge."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from services.runtime.errors import (
    Forbidden,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    Refusal,
    UnsupportedMediaType,
    ValidationFailed,
)
from services.runtime.http.direct_routes import DirectRoutes
from services.runtime.http.edge import Bounds, Edge, Refuse
from services.runtime.http.limits import RateLimits
from services.runtime.http.openapi import describe
from services.runtime.http.problems import field_errors
from services.runtime.http.query_parameters import refusing_unknown_queries
from services.runtime.security.auth import Authenticator
from services.runtime.settings import RuntimeSettings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_BY_STATUS: dict[int, type[Refusal]] = {400: MalformedRequest, 403: Forbidden, 404: NotFound}


class App(FastAPI):
    """An app whose outermost layer is its edge. FastAPI would put three around it, for failures, traces and the length
    of bodies; the edge answers failures and bounds bodies itself."""

    def __init__(self, edge: Callable[[ASGIApp], Edge], **options: Any) -> None:
        """`edge` puts the edge around what answers requests."""
        super().__init__(**options)
        self._edge = edge

    def build_middleware_stack(self) -> ASGIApp:
        """Put together what a request passes through, at the first one."""
        routed = AsyncExitStackMiddleware(self.router)
        return self._edge(ExceptionMiddleware(routed, handlers=self.exception_handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)


def create_app(
    title: str,
    *routers: APIRouter,
    settings: RuntimeSettings,
    authenticator: Authenticator | None,
    lifespan: Lifespan | None = None,
    bounds: Bounds | None = None,
    limited: bool = True,
    refuse: Refuse | None = None,
    webhooks: APIRouter | None = None,
) -> FastAPI:
    """Build an app of `routers`, which carry whole paths. Documents itself at `/openapi.json` (3.1).

    Errors are problem documents unless `refuse` says otherwise; bodies, deadlines and load are bounded by `settings`
    unless `bounds` says otherwise; callers are limited in rate if `limited`. `webhooks` is only for the document: what
    is sent to others. `app.state.stopping` is set when a server begins to stop: whoever keeps a request waiting ends it
    then.
    """
    # Not include_router: its layer would match every path twice, and merges prefixes that nobody uses here.
    routes = [refusing_unknown_queries(route) for router in routers for route in router.routes]
    edge = partial(
        Edge,
        bounds=bounds or Bounds(settings.max_body_bytes, settings.receive_seconds, settings.max_requests),
        authenticator=authenticator,
        limits=RateLimits(settings.rate_limit, settings.anonymous_rate_limit) if limited else None,
        refuse=refuse,
        direct=DirectRoutes(routes),
    )
    app = App(
        edge,
        title=title,
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        webhooks=webhooks,
    )
    app.state.authenticator = authenticator
    app.state.stopping = asyncio.Event()
    app.router.routes.extend(routes)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_invalid_input)
    describe(app)
    return app


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """Raise what it amounts to: the edge answers every refusal in one way."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    raise (_BY_STATUS[status]() if status in _BY_STATUS else _unusual(request, error, status)) from error


def _unusual(request: Request, error: Exception, status: int) -> Refusal:
    if status == MethodNotAllowed.status:
        return MethodNotAllowed(headers={"Allow": ", ".join(sorted(set(_methods(request))))})
    if status >= Refusal.status:
        raise error
    return MalformedRequest()


def _methods(request: Request) -> Iterator[str]:
    """Name the methods of every route of this path; the router knows only those of the first. HEAD goes with GET."""
    routes: list[BaseRoute] = request.app.router.routes
    for route in routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods = getattr(route, "methods", None) or ()
            yield from methods
            yield from ("HEAD",) if "GET" in methods else ()


async def _answer_invalid_input(request: Request, error: Exception) -> Response:
    """Raise what it amounts to."""
    language = request.headers.get("accept-language")
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if not hasattr(request.state, "json") and any(tuple(each["loc"]) == ("body",) for each in found):
        raise UnsupportedMediaType
    raise ValidationFailed(field_errors(found, language)) from error
