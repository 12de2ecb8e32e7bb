"""The board: tickets sorted by what is due next, with filters in the address and lists with counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from services.console.pages.search import show_found
from services.console.service import HEADERS, Page, PageDep
from services.console.shell.routes import page_router
from services.console.tickets import board_filters
from services.console.tickets.board_filters import FIELDS, ME, Filters, address, same, standing
from services.console.tickets.live_part import fingerprint
from services.console.tickets.rows import rows_of
from services.contracts.vocabulary import Category, ClockName, Kind, Phase, Priority, Urgency
from services.runtime.http.conditions import etag, is_known

_PER_PAGE = 50

router = page_router()


@dataclass(frozen=True)
class Tab:
    """A list with its count, and whether it is the one on the page."""

    view: str
    address: str
    count: str
    is_open: bool


@router.get("/board")
async def show_board(request: Request, page: PageDep) -> Response:
    """The tickets that the address asks for; without filters, the open ones. `part=live` answers the moving part, or
    304 where the page shows it already. With `found`, what a search finds."""
    if sealed := request.query_params.get("found"):
        return await show_found(request, page, sealed)
    filters = board_filters.held(request.query_params)
    lists = (await page.desk.get("/v1/tickets/counts"))["items"]
    shown = standing(filters)
    asked = board_filters.parameters(shown, page.reader.id)
    cursor = request.query_params.get("cursor")
    found = await page.desk.get("/v1/tickets", limit=_PER_PAGE, cursor=cursor or None, **asked)
    following = found["next_cursor"]
    values = {
        "rows": await rows_of(page, found["items"]),
        "tabs": _tabs(lists, shown, page.reader.id),
        "next_address": address({**filters, "cursor": [following]}) if following else None,
        "first_address": address(filters) if cursor else None,
        "filtered": not same(filters, {}, page.reader.id),
        "refresh": address({**filters, **({"cursor": [cursor]} if cursor else {}), "part": ["live"]}),
        **await _filter_form(page, shown),
    }
    return _answer(request, page, values)


def _answer(request: Request, page: Page, values: Mapping[str, Any]) -> Response:
    seen = fingerprint(page, values)
    if request.query_params.get("part") != "live":
        return page.render("board.html", seen=seen, **values)
    if is_known(request, seen):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**HEADERS, "ETag": etag(seen)})
    answer = page.render("board_live.html", seen=seen, **values)
    answer.headers["ETag"] = etag(seen)
    return answer


def _tabs(lists: Sequence[Mapping[str, Any]], shown: Filters, reader: str) -> list[Tab]:
    tabs = [
        Tab(
            view=each["view"],
            address=address({} if each["view"] == "open" else board_filters.shared(each["filters"], reader)),
            count=f"{each['count']}+" if each["more"] else str(each["count"]),
            is_open=same(each["filters"], shown, reader),
        )
        for each in lists
    ]
    closed: Filters = {"status": ["closed"], "sort": ["-opened_at"]}
    return [*tabs, Tab("closed", address(closed), "", same(closed, shown, reader))]


async def _filter_form(page: Page, shown: Filters) -> dict[str, Any]:
    """The fields of the filter form, with what is chosen; filters without a field are carried along, as chips."""
    directory = await page.console.names.directory(page.desk)
    words = page.words
    named = shown.get("owner", ())
    people = [(id_, directory.person(id_)) for id_ in directory.staff if id_ in directory.handlers or id_ in named]
    choices: dict[str, list[tuple[str, str]]] = {
        "department": [(each["id"], each["name"]) for each in directory.active_departments],
        "owner": [(ME, words.text("board.mine")), *people],
        **{
            name: [(code.value, words.of(name, code)) for code in codes]
            for name, codes in (("kind", Kind), ("urgency", Urgency), ("priority", Priority), ("phase", Phase),
                                ("category", Category), ("clock", ClockName))
        },
    }  # fmt: skip
    chosen = {name: ",".join(shown.get(name, ())) for name in (*FIELDS, "sort")}
    return {
        "choices": {name: _with_chosen(page, options, shown.get(name, ())) for name, options in choices.items()},
        "chosen": chosen,
        "carried": board_filters.carried(shown),
        "chips": list(board_filters.chips(shown, words, page.present())),
        "filter_count": sum(name in shown for name in FIELDS),
    }


def _with_chosen(page: Page, options: list[tuple[str, str]], chosen: Sequence[str]) -> list[tuple[str, str]]:
    """The options of a field, with one more for several values at once or for one that is no longer offered."""
    value, known = ",".join(chosen), dict(options)
    if not value or value in known:
        return options
    return [*options, (value, page.words.text("list.and").join(known.get(each, each) for each in chosen))]
