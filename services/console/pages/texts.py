"""The texts of notices: read, changed and tried out on sample facts before anybody gets them."""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from services.console.promises.drafts import is_outdated, is_stale, refusal, require
from services.console.public_api.client import ApiProblem, path
from services.console.registers.admin_lists import TABS
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.contracts.permissions import Action
from services.runtime.pages.forms import read_form

router = page_router()


@router.get("/keys/texts")
async def list_texts(page: PageDep) -> Response:
    """Every text in both languages."""
    require(page, Action.READ_TEMPLATE)
    texts = (await page.desk.get("/v1/notice-templates"))["items"]
    kinds = list(dict.fromkeys(text["kind"] for text in texts))
    found = {(text["kind"], text["language"]): text for text in texts}
    return page.render("texts.html", kinds=kinds, found=found, tabs=TABS["keys"])


@router.get("/keys/texts/{text_id}")
async def show_text(page: PageDep, text_id: str, done: str = "") -> Response:
    """One text, with what it may name and what it reads like."""
    text = await page.desk.get(path("v1", "notice-templates", text_id))
    return await _show(page, text, text["subject"], text["text"], done=done)


@router.post("/keys/texts/{text_id}")
async def write_text(request: Request, page: PageDep, text_id: str) -> Response:
    """Try a text out, or store it; one that cannot be written is refused with its line."""
    form = await read_form(request)
    require(page, Action.READ_TEMPLATE if form.one("preview") else Action.WRITE_TEMPLATE)
    # Blank lines at the end of a letter are part of it; those that the form adds are not.
    subject, body = form.one("subject"), (form.many("text") or ("",))[-1]
    address = path("v1", "notice-templates", text_id)
    text = await page.desk.get(address)
    if is_outdated(form, text):
        return await _show(page, text, subject, body, stale=True)
    if form.one("preview"):
        return await _show(page, text, subject, body)
    problem = await refusal(page.desk.put(address, {"subject": subject, "text": body}, version=text["version"]))
    if is_stale(problem):
        return await _show(page, await page.desk.get(address), subject, body, stale=True)
    if problem:
        return await _show(page, text, subject, body, problem=problem)
    return see_said(f"{path('keys', 'texts', text_id)}?done=true")


async def _show(
    page: Page,
    text: dict[str, Any],
    subject: str,
    body: str,
    *,
    problem: ApiProblem | None = None,
    stale: bool = False,
    done: str = "",
) -> Response:
    preview = None
    if problem is None:
        try:
            draft = {"subject": subject, "text": body}
            preview = await page.desk.post(path("v1", "notice-templates", text["id"], "preview"), draft)
        except ApiProblem as refused:
            if refused.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            problem = refused
    return page.render(
        "text.html",
        status=HTTPStatus.CONFLICT if stale else problem.status if problem else HTTPStatus.OK,
        text=text,
        subject=subject,
        body=body,
        preview=preview,
        errors={error.pointer.strip("/"): error.message for error in problem.errors} if problem else {},
        stale=stale,
        may_write=Action.WRITE_TEMPLATE in page.reader.allowed,
        done=done,
    )
