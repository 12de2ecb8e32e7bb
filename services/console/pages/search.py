"""Searches: words are posted, and their address holds them sealed, so that Back, reloading and paging work."""

import re
import unicodedata
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from services.console.public_api.client import path
from services.console.searches import LONGEST
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_other
from services.console.tickets.rows import TICKET_NO, rows_of
from services.runtime.errors import MalformedRequest
from services.runtime.pages.forms import read_form

_PER_PAGE = 50

router = page_router()


@router.post("/board")
async def search(request: Request, page: PageDep) -> Response:
    """Lead to what is found. What is looked for travels in a body, and from here on sealed."""
    q = (await read_form(request)).one("q")
    if not q:
        return see_other("/board")
    if len(q) > LONGEST:
        raise MalformedRequest
    return see_other(_address(page.console.searches.close(q, page.reader.id, page.now)))


async def show_found(request: Request, page: Page, sealed: str) -> Response:
    """The tickets that a sealed search finds; a whole number leads to its ticket. They do not follow by themselves what
    happens: looking for a whole contact is counted and logged each time."""
    q = page.console.searches.open(sealed, page.reader.id, page.now)
    if q is None:
        return page.render("search.html", status=HTTPStatus.GONE, q="", rows=None)
    cursor = request.query_params.get("cursor")
    body = {"q": _meant(q), "limit": _PER_PAGE, **({"cursor": cursor} if cursor else {})}
    found = await page.desk.post("/v1/tickets/search", body)
    tickets, following = found["items"], found["next_cursor"]
    if len(tickets) == 1 and not cursor and tickets[0]["ticket_no"] == _meant(q):
        return see_other(path("tickets", tickets[0]["ticket_no"]))
    return page.render(
        "search.html",
        q=q,
        rows=await rows_of(page, tickets),
        following=following,
        next_address=_address(sealed, cursor=following) if following else None,
        first_address=_address(sealed) if cursor else None,
    )


def _address(sealed: str, **more: str) -> str:
    return f"/board?{urlencode({'found': sealed, **more})}"


def _meant(q: str) -> str:
    """The words to look for: a ticket number is meant however it is written, full width or with `#` or spaces."""
    number = re.sub(r"[\s#-]", "", unicodedata.normalize("NFKC", q))
    return number if TICKET_NO.fullmatch(number) else q
