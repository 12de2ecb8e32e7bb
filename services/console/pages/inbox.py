"""The inbox: every notice as it was written, so that the whole system can be tried without an account anywhere."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from services.console.public_api.client import ApiProblem, path
from services.console.public_api.directory_names import KnownDirectory
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.contracts.notice import Audience, NoticeChannel, NoticeKind, NoticeState
from services.contracts.permissions import Action
from services.runtime.pages.forms import new_key, read_form, require_key

router = page_router()
FILTERS = ("audience", "state", "channel", "kind", "ticket_no")
_PER_PAGE = 40


@router.get("/inbox")
async def show_inbox(request: Request, page: PageDep, notice: str = "", cursor: str = "", part: str = "") -> Response:
    """The notices that the address asks for, newest first, and the one that is open."""
    return await _show(request, page, notice=notice, cursor=cursor, part=part)


@router.post("/inbox/{notice_id}/resend")
async def resend(request: Request, page: PageDep, notice_id: str) -> Response:
    """Send a notice anew, under its key."""
    form = await read_form(request)
    try:
        await page.desk.post(path("v1", "notices", notice_id, "resend"), key=require_key(form))
    except ApiProblem as problem:
        if problem.status != HTTPStatus.CONFLICT:
            raise
        return await _show(request, page, notice=notice_id, problem=problem.detail or problem.title)
    return see_said(f"/inbox?{urlencode({'notice': notice_id, 'resent': 'true'})}")


async def _show(
    request: Request, page: Page, *, notice: str = "", cursor: str = "", part: str = "", problem: str = ""
) -> Response:
    asked = {name: value for name in FILTERS if (value := request.query_params.get(name, ""))}
    view = "all" if request.query_params.get("view") == "all" or asked else "mine"
    mine = "true" if view == "mine" else None
    found = await page.desk.get("/v1/notices", limit=_PER_PAGE, mine=mine, cursor=cursor or None, **asked)
    opened = await page.desk.find(path("v1", "notices", notice)) if notice else None
    directory = await page.console.names.directory(page.desk)
    kept = {**asked, **({"view": "all"} if view == "all" else {})}
    following = found["next_cursor"]
    return page.render(
        "inbox_live.html" if part == "live" else "inbox.html",
        notices=found["items"],
        opened=opened,
        recipient=lambda each: _recipient(page, directory, each),
        view=view,
        asked=asked,
        address=lambda **more: _address({**kept, **({"cursor": cursor} if cursor else {}), **more}),
        next_address=_address({**kept, "cursor": following}) if following else None,
        first_address=_address(kept) if cursor else None,
        choices=_choices(page),
        may_resend=Action.RESEND_NOTICE in page.reader.allowed,
        resent=request.query_params.get("resent") == "true",
        problem=problem,
        key=new_key,
    )


def _recipient(page: Page, directory: KnownDirectory, notice: Mapping[str, Any]) -> str:
    """The person it is for: a colleague by name, a customer as such; the text names them for those entitled."""
    if notice["audience"] == Audience.STAFF:
        return directory.person(notice["recipient"])
    return page.words.of("audience", Audience.CUSTOMER)


def _address(asked: Mapping[str, str]) -> str:
    return f"/inbox?{urlencode(asked)}" if asked else "/inbox"


def _choices(page: Page) -> dict[str, list[tuple[str, str]]]:
    words = page.words
    return {
        "audience": [(code.value, words.of("audience", code)) for code in Audience],
        "kind": [(code.value, words.of("notice_kind", code)) for code in NoticeKind],
        "state": [(code.value, words.of("notice_state", code)) for code in NoticeState],
        "channel": [(code.value, words.of("notice_channel", code)) for code in NoticeChannel],
    }
