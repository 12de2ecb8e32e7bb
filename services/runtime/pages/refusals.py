"""Refusals as pages, for those who read pages: what happened, and what to do next."""

from collections.abc import Iterable

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from services.runtime.errors import Refusal
from services.runtime.http.edge import Refuse
from services.runtime.http.problems import problem_response
from services.runtime.pages.frame import Pages
from services.runtime.role_parts import Part
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import request_id
from services.wording import Wording

_FIRST_FAILURE = 500


def refusal_pages(settings: RuntimeSettings, parts: Iterable[Part] = ()) -> Refuse:
    """Make what the HTTP edge answers refusals with: a page on the paths of pages, and where a browser has lost its
    way, drawn by the part whose reader it is; a problem document everywhere else."""
    pages, drawers = Pages(None, Wording(), settings), [part.refuse for part in parts if part.refuse]

    async def refuse(scope: Scope, refusal: Refusal) -> Response:
        request = Request(scope)
        for draw in drawers:
            drawn = await draw(request, refusal)
            if drawn is not None:
                return drawn
        if not _is_for_a_page(request):
            return problem_response(refusal, request.headers.get("accept-language"))
        return refusal_page(pages, request, refusal)

    return refuse


def refusal_page(pages: Pages, request: Request, refusal: Refusal) -> HTMLResponse:
    """One refusal; codes without words of their own get those of their status."""
    return pages.answer(
        request,
        "refusal.html",
        status=refusal.status,
        headers=refusal.headers,
        code=refusal.code,
        status_code=refusal.status,
        request_id=request_id.get() if refusal.status >= _FIRST_FAILURE else None,
    )


def matching_routes(request: Request) -> list[BaseRoute]:
    """The routes of a request's path, whatever their methods; the one that answers it alone, once it is found."""
    routes: list[BaseRoute] = request.scope["app"].router.routes
    found = request.scope.get("route")
    return [found] if found is not None else [route for route in routes if _matches(route, request.scope)]


def _is_for_a_page(request: Request) -> bool:
    reads_pages = "text/html" in request.headers.get("accept", "")
    if _speaks_json(request) and not reads_pages:
        return False
    if known := matching_routes(request):
        return _answer_with_pages(known)
    return reads_pages


def _speaks_json(request: Request) -> bool:
    """Whether an app sent this, which some paths of pages take as well."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _matches(route: BaseRoute, scope: Scope) -> bool:
    return route.matches(scope)[0] is not Match.NONE


def _answer_with_pages(routes: Iterable[BaseRoute]) -> bool:
    # FastAPI wraps what a router chose for its routes.
    chosen = (getattr(route, "response_class", None) for route in routes)
    return any(getattr(each, "value", each) is HTMLResponse for each in chosen)
