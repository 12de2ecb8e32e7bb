"""Routes of pages: whatever goes wrong is answered with a page that says what to do next."""

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from services.console.public_api.client import ApiProblem
from services.console.service import page_of, page_of_anybody
from services.console.session import CrossSite, SignInFirst, require_own_page
from services.console.shell.sign_in_again import ask_to_sign_in
from services.runtime.errors import Refusal
from services.runtime.pages.refusals import matching_routes
from services.runtime.security.auth import SESSION_COOKIE

_WORDED = {
    HTTPStatus.BAD_REQUEST: "validation_failed",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "not_found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "validation_failed",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}


_OVERLOADED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""Refusals after which nothing more is asked, not even who is looking."""


class PageRoute(APIRoute):
    """Checks where a POST comes from, and turns refusals into pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the endpoint."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                if request.method not in {"GET", "HEAD"}:
                    require_own_page(request, page_of(request).console.settings.public_url)
                return await handle(request)
            except SignInFirst:
                return await ask_to_sign_in(request)
            except CrossSite:
                return await error_page(request, HTTPStatus.FORBIDDEN, "cross_site")
            except ApiProblem as problem:
                if problem.status == HTTPStatus.UNAUTHORIZED:
                    return await ask_to_sign_in(request)
                waiting = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
                return await error_page(request, problem.status, headers=waiting)
            except Refusal as refusal:
                return await error_page(request, refusal.status, headers=refusal.headers)
            except RequestValidationError:
                return await error_page(request, HTTPStatus.UNPROCESSABLE_ENTITY)

        return answer


def page_router() -> APIRouter:
    """A router of pages; they are no part of the API's document."""
    return APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


async def refuse(request: Request, refusal: Refusal) -> Response | None:
    """The page for a refusal that came before any endpoint: on a path of these pages, or of staff who lost their way.
    None for everybody else."""
    known = matching_routes(request)
    if any(isinstance(route, PageRoute) for route in known):
        return await error_page(request, refusal.status, headers=refusal.headers)
    is_lost = not known and SESSION_COOKIE in request.cookies and "text/html" in request.headers.get("accept", "")
    return await error_page(request, refusal.status, headers=refusal.headers) if is_lost else None


async def error_page(
    request: Request, status: int, kind: str = "", *, headers: Mapping[str, str] | None = None
) -> Response:
    """A page that says what happened and what to do next, in the frame of whoever is signed in."""
    worded = kind or _WORDED.get(HTTPStatus(status), "other")
    page = page_of(request) if status in _OVERLOADED else await page_of_anybody(request)
    response = page.render("error.html", status=status, kind=worded, again=_again(request))
    response.headers.update(headers or {})
    return response


def see_other(address: str) -> Response:
    """Lead on to a page after a POST, so that reloading it sends nothing twice."""
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


def see_said(address: str) -> Response:
    """Lead on to a page that says what became of a form. Without a fragment of its own the address would inherit the
    form's, and the words would be out of sight; so it names them, and they are scrolled to and focused."""
    return see_other(f"{address}#said")


def _again(request: Request) -> str | None:
    """The address for trying again: only a GET can be repeated by a link."""
    if request.method != "GET":
        return None
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
