"""The built-in policy packs D0 to D4, and adopting one for the installation, for kinds or for departments."""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from services.console.forms.fields import FieldChoice
from services.console.forms.values import Typed, everything
from services.console.promises import catalogue
from services.console.promises.drafts import refusal, require, said
from services.console.public_api.client import path
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.contracts.permissions import Action
from services.contracts.vocabulary import Kind
from services.runtime.pages.forms import new_key, read_form, require_key

router = page_router()


@router.get("/policy-packs")
async def list_packs(page: PageDep) -> Response:
    """Every pack with its policies as tables."""
    require(page, Action.WRITE_POLICY)
    return await _show(page)


@router.post("/policy-packs/{pack_id}")
async def adopt_pack(request: Request, page: PageDep, pack_id: str) -> Response:
    """Make policies of a pack."""
    require(page, Action.WRITE_POLICY)
    form = await read_form(request)
    key = require_key(form)
    chosen = {name: [each for each in form.many(name) if each] for name in ("kind", "department")}
    body: dict[str, Any] = {name: values for name, values in chosen.items() if values}
    if form.one("calendar"):
        body["calendar"] = form.one("calendar")
    body["publish"] = form.one("publish") == "true"
    problem = await refusal(page.desk.post(path("v1", "policy-packs", pack_id, "adopt"), body, key=key))
    if problem:
        return await _show(page, failed=pack_id, typed=Typed(everything(form), {}, said(problem)))
    return see_said("/policies?done=adopted")


async def _show(page: Page, failed: str = "", typed: Typed | None = None) -> Response:
    directory = await page.console.names.directory(page.desk)
    return page.render(
        "packs.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if failed else HTTPStatus.OK,
        packs=(await page.desk.get("/v1/policy-packs"))["items"],
        reading=await catalogue.reading(page),
        calendars=await catalogue.choices(page, "/v1/calendars"),
        kinds=[FieldChoice(each, page.words.of("kind", each)) for each in Kind],
        departments=[FieldChoice(each["id"], each["name"]) for each in directory.active_departments],
        tabs=catalogue.tabs(page),
        failed=failed,
        typed=typed or Typed(),
        key=new_key,
    )
