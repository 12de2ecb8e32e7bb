"""Routes of pages: whatever goes wrong is answered with a page that says what to do next."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from services.console.client import Problem
from services.console.service import page_of
from services.console.session import CrossSite, SignInFirst, require_own_page
from services.console.sign_in_again import ask_to_sign_in
from services.runtime.errors import Refusal

_WORDED = {
    HTTPStatus.BAD_REQUEST: "validation_failed",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "validation_failed",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}


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
                return error_page(request, HTTPStatus.FORBIDDEN, "cross_site")
            except Problem as problem:
                if problem.status == HTTPStatus.UNAUTHORIZED:
                    return await ask_to_sign_in(request)
                return error_page(request, problem.status, retry_after=problem.retry_after)
            except Refusal as refusal:
                return error_page(request, refusal.status)
            except RequestValidationError:
                return error_page(request, HTTPStatus.UNPROCESSABLE_ENTITY)

        return answer


def page_router() -> APIRouter:
    """A router of pages; they are no part of the API's document."""
    return APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


def error_page(request: Request, status: int, kind: str = "", retry_after: int | None = None) -> Response:
    """A page that says what happened and what to do next."""
    worded = kind or _WORDED.get(HTTPStatus(status), "other")
    page = page_of(request)
    response = page.render("error.html", status=status, kind=worded, again=_again(request))
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def see_other(address: str) -> Response:
    """Lead on to a page after a POST, so that reloading it sends nothing twice."""
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


def see_said(address: str) -> Response:
    """Lead on to a page that says what became of a form. Without a fragment of its own the address would inherit the
    form's, and the words would be out of sight; so it names them, and they are scrolled to and focused."""
    return see_other(f"{address}#said")


def _again(request: Request) -> str | None:
    """Where trying again leads: only a GET can be repeated by a link."""
    if request.method != "GET":
        return None
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
