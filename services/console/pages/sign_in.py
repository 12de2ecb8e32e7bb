"""Signing in and out."""

from dataclasses import replace
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response

from services.console import session
from services.console.public_api.client import ApiProblem
from services.console.rendering import navigation
from services.console.service import AnybodyDep, Page, PageDep
from services.console.shell.routes import page_router, see_other
from services.console.shell.sign_in_again import CARRIED, HOME, sign_in_page, target_of
from services.runtime.errors import Forbidden
from services.runtime.pages.forms import Form, read_form
from services.runtime.security.auth import SESSION_COOKIE

router = page_router()
_OVER = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""Answers to a sign-out that leave nothing to end."""


@router.get("/")
async def go_home(page: PageDep) -> Response:
    """Lead to the first page that the reader may open: the board for most, the people for an administrator."""
    entries = navigation.entries_for(page.reader.allowed)
    if not entries:
        raise Forbidden
    return see_other(entries[0].path)


@router.get("/sign-in")
async def show_sign_in(page: AnybodyDep, to: str = "/") -> Response:
    """Ask for user name and password."""
    return sign_in_page(page, target=target_of(to))


@router.post("/sign-in")
async def sign_in(request: Request, page: AnybodyDep) -> Response:
    """Exchange them for a token, and lead on to where the reader was going."""
    form = await read_form(request)
    target = target_of(form.one("target"))
    carried = [(name.removeprefix(CARRIED), value) for name, value in form.fields if name.startswith(CARRIED)]
    # A password may begin or end with a space.
    credentials = {"username": form.one("username"), "password": (form.many("password") or ("",))[-1]}
    try:
        answer = await page.desk.post("/v1/token", credentials)
    except ApiProblem as problem:
        return _refused(page, form, problem, target, carried)
    response = page.render("signed_in_again.html", target=target, carried=carried) if carried else see_other(target)
    secure = session.is_secure(request, page.console.settings.public_url)
    session.keep_token(response, answer["access_token"], answer["expires_in"], secure=secure)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, page: AnybodyDep) -> Response:
    """End the session everywhere, and forget the token in any case: whoever leaves a browser must be able to."""
    token = request.cookies.get(SESSION_COOKIE, "")
    response = await _end(page, token)
    page.console.readers.forget(token)
    session.drop_token(response, secure=session.is_secure(request, page.console.settings.public_url))
    return response


async def _end(page: Page, token: str) -> Response:
    """Lead to the sign-in; where the session could not be ended, say so there."""
    if not token:
        return see_other("/sign-in")
    try:
        await replace(page.desk, token=token).post("/v1/me/sign-out")
    except ApiProblem as problem:
        if problem.status not in _OVER:
            said = page.words.text("sign_in.not_ended")
            return sign_in_page(page, target=HOME, error=said, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return see_other("/sign-in")


def _refused(page: Page, form: Form, problem: ApiProblem, target: str, carried: list[tuple[str, str]]) -> Response:
    if problem.status == HTTPStatus.TOO_MANY_REQUESTS:
        minutes = max(1, round((problem.retry_after or 60) / 60))
        error = page.words.text("sign_in.too_often", minutes=minutes)
    elif problem.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY}:
        error = page.words.text("sign_in.wrong")
    else:
        error = page.words.text("error.unavailable.text")
    return sign_in_page(
        page, target=target, carried=carried, error=error, username=form.one("username"), status=problem.status
    )
