"""The board: tickets sorted by what is due next, with filters in the address and lists with counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from services.console.listing import rows_of
from services.console.pages.search import show_found
from services.console.routing import page_router
from services.console.service import Page, PageDep
from services.contracts.words import Category, ClockName, Kind, Phase, Priority, Urgency

FILTERS = ("department", "owner", "kind", "urgency", "priority", "phase", "category", "clock", "overdue")
"""What the filter form offers; the address may hold every filter of `GET /v1/tickets`."""
_HELD = (*FILTERS, "status", "assigned", "due_before", "opened_from", "opened_to", "customer_id", "product_model",
         "incident_id", "sort")  # fmt: skip
_SINGLE = frozenset({"overdue", "clock", "assigned", "due_before", "opened_from", "opened_to", "customer_id",
                     "product_model", "incident_id", "sort", "cursor"})  # fmt: skip
_PER_PAGE = 50
ME = "me"

router = page_router()
Filters = dict[str, list[str]]


@dataclass(frozen=True)
class Tab:
    """A list with its count, and whether it is the one on the page."""

    view: str
    address: str
    count: str
    is_open: bool


@router.get("/board")
async def show_board(request: Request, page: PageDep) -> Response:
    """The tickets that the address asks for; without filters, the open ones. `part=live` answers the moving part.
    With `found`, what a search finds."""
    if sealed := request.query_params.get("found"):
        return await show_found(request, page, sealed)
    filters = _held(request)
    lists = (await page.desk.get("/v1/tickets/counts"))["items"]
    shown = filters if _narrowed(filters) else {**_filters_of(lists, "open"), **filters}
    asked = _parameters(shown, page.reader.id)
    cursor = request.query_params.get("cursor")
    found = await page.desk.get("/v1/tickets", limit=_PER_PAGE, **asked, **({"cursor": cursor} if cursor else {}))
    following = found["next_cursor"]
    values = {
        "rows": await rows_of(page, found["items"]),
        "tabs": _tabs(lists, shown, page.reader.id),
        "next_address": _address({**filters, "cursor": [following]}) if following else None,
        "first_address": _address(filters) if cursor else None,
        "filtered": _narrowed(filters),
        "refresh": _address({**filters, **({"cursor": [cursor]} if cursor else {}), "part": ["live"]}),
        **await _filter_form(page, filters),
    }
    return page.render("board_live.html" if request.query_params.get("part") == "live" else "board.html", **values)


def _held(request: Request) -> Filters:
    """The filters of the address; an empty value, as an untouched field of the form sends it, is none."""
    held = {name: [value for value in request.query_params.getlist(name) if value] for name in _HELD}
    return {name: values for name, values in held.items() if values}


def _narrowed(filters: Mapping[str, Sequence[str]]) -> bool:
    return any(name != "sort" for name in filters)


def _parameters(filters: Filters, reader: str) -> dict[str, str | list[str]]:
    """What the API is asked; `owner=me` is whoever looks, so that the address can be shared."""
    asked: dict[str, str | list[str]] = {}
    for name, values in filters.items():
        meant = [reader if name == "owner" and value == ME else value for value in values]
        asked[name] = meant[-1] if name in _SINGLE else meant
    return asked


def _filters_of(lists: Sequence[Mapping[str, Any]], view: str) -> Filters:
    return next((dict(each["filters"]) for each in lists if each["view"] == view), {})


def _tabs(lists: Sequence[Mapping[str, Any]], shown: Filters, reader: str) -> list[Tab]:
    now = _comparable(shown, reader)
    tabs = [
        Tab(
            view=each["view"],
            address=_address({} if each["view"] == "open" else _shared(each["filters"], reader)),
            count=f"{each['count']}+" if each["more"] else str(each["count"]),
            is_open=_comparable(each["filters"], reader) == now,
        )
        for each in lists
    ]
    closed: Filters = {"status": ["closed"], "sort": ["-opened_at"]}
    return [*tabs, Tab("closed", _address(closed), "", _comparable(closed, reader) == now)]


def _comparable(filters: Mapping[str, Sequence[str]], reader: str) -> dict[str, tuple[str, ...]]:
    meant = _shared(filters, reader)
    return {name: tuple(sorted(values)) for name, values in meant.items() if name != "sort"}


def _shared(filters: Mapping[str, Sequence[str]], reader: str) -> Filters:
    return {
        name: [ME if name == "owner" and value == reader else value for value in values]
        for name, values in filters.items()
    }


def _address(filters: Mapping[str, Sequence[str]]) -> str:
    query = urlencode(list(filters.items()), doseq=True)
    return f"/board?{query}" if query else "/board"


async def _filter_form(page: Page, filters: Filters) -> dict[str, Any]:
    """The fields of the filter form, with what is chosen; filters without a field are carried along."""
    directory = await page.console.names.directory(page.desk)
    words = page.words
    people = [(each["id"], each["name"]) for each in directory.staff.values() if _handles(each)]
    choices: dict[str, list[tuple[str, str]]] = {
        "department": [(each["id"], each["name"]) for each in directory.departments.values() if each["active"]],
        "owner": [(ME, words.text("board.mine")), *people],
        **{
            name: [(code.value, words.of(name, code)) for code in codes]
            for name, codes in (("kind", Kind), ("urgency", Urgency), ("priority", Priority), ("phase", Phase),
                                ("category", Category), ("clock", ClockName))
        },
    }  # fmt: skip
    carried = [(name, value) for name, values in filters.items() if name not in (*FILTERS, "sort") for value in values]
    return {
        "choices": choices,
        "chosen": {name: (filters.get(name) or [""])[0] for name in (*FILTERS, "sort")},
        "carried": carried,
        "filter_count": sum(name in filters for name in FILTERS),
    }


def _handles(member: Mapping[str, Any]) -> bool:
    return bool(member["active"]) and not {"handler", "clerk", "department_head", "supervisor"}.isdisjoint(
        member["roles"]
    )
