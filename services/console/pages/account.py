"""The page about oneself: who one is here, and one's own password."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response

from services.console.forms.values import Typed
from services.console.public_api.client import ApiProblem
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.runtime.pages.forms import Form, new_key, read_form, require_key

router = page_router()
_FIELDS = ("current", "new", "repeated")


@router.get("/account")
async def show_account(page: PageDep, done: str = "") -> Response:
    """Show the reader's account, with a form for another password."""
    return await _show(page, Typed(), done=bool(done))


@router.post("/account/password")
async def change_password(request: Request, page: PageDep) -> Response:
    """Change the reader's own password. They stay signed in here; no password is ever shown again in the form."""
    form = await read_form(request)
    key, given = require_key(form), _given(form)
    if errors := _wrong(page, given):
        return await _show(page, Typed(errors=errors))
    try:
        body = {"current": given["current"], "new": given["new"]}
        await page.desk.post("/v1/me/password", body, key=key)
    except ApiProblem as problem:
        return await _show(page, _refused(page, problem), status=problem.status)
    return see_said("/account?done=password")


def _given(form: Form) -> dict[str, str]:
    """The passwords as they were typed: one may begin or end with a space."""
    return {name: (form.many(name) or ("",))[-1] for name in _FIELDS}


def _wrong(page: Page, given: Mapping[str, str]) -> dict[str, str]:
    """The faults that can be seen without asking."""
    errors = {name: page.words.text("form.required") for name, value in given.items() if not value}
    if not errors and given["new"] != given["repeated"]:
        errors["repeated"] = page.words.text("account.password.differs")
    return errors


def _refused(page: Page, problem: ApiProblem) -> Typed:
    if problem.status == HTTPStatus.TOO_MANY_REQUESTS:
        minutes = max(1, round((problem.retry_after or 60) / 60))
        return Typed(general=[page.words.text("account.password.too_often", minutes=minutes)])
    if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        raise problem
    at = {each.pointer.strip("/"): each.message for each in problem.errors}
    known = {name: message for name, message in at.items() if name in _FIELDS}
    return Typed(errors=known, general=[message for name, message in at.items() if name not in _FIELDS])


async def _show(page: Page, filled: Typed, *, done: bool = False, status: int = 0) -> Response:
    return page.render(
        "account.html",
        status=status or filled.status(),
        filled=filled,
        done=done,
        key=new_key(),
        directory=await page.console.names.directory(page.desk),
    )
