"""Filters of the board: those in its address, those that stand unasked, and chips for what no field shows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from services.console.rendering.present import Present
from services.contracts.vocabulary import Status
from services.wording import Words

FIELDS = ("department", "owner", "kind", "urgency", "priority", "phase", "category", "clock", "overdue")
"""What the form offers; the address may hold every filter of `GET /v1/tickets`."""
_CARRIED = ("status", "assigned", "due_before", "opened_from", "opened_to", "customer_id", "product_model",
            "incident_id")  # fmt: skip
_SINGLE = frozenset({"overdue", "clock", "assigned", "due_before", "opened_from", "opened_to", "customer_id",
                     "product_model", "incident_id", "sort"})  # fmt: skip
_INSTANTS = frozenset({"due_before", "opened_from", "opened_to"})
OPEN = tuple(status.value for status in Status if status is not Status.CLOSED)
EVERY = tuple(status.value for status in Status)
ME = "me"

Filters = dict[str, list[str]]


@dataclass(frozen=True)
class Chip:
    """A filter that no field shows, and the address without it."""

    text: str
    without: str


def held(query: QueryParams) -> Filters:
    """The filters of an address. An empty value, as an untouched field sends it, is none; several values of a field
    come in one, as its option holds them. A phase says more than the statuses that the form carries along."""
    found = {
        name: [each for value in query.getlist(name) for each in _parts(name, value) if each]
        for name in (*FIELDS, *_CARRIED, "sort")
    }
    kept = {name: values for name, values in found.items() if values}
    return {name: values for name, values in kept.items() if name != "status" or "phase" not in kept}


def standing(filters: Mapping[str, Sequence[str]]) -> Filters:
    """With the statuses that stand unasked: a board shows what is open, whatever else is chosen."""
    asked = {name: list(values) for name, values in filters.items()}
    return asked if asked.keys() & {"status", "phase"} else {"status": list(OPEN), **asked}


def parameters(filters: Filters, reader: str) -> dict[str, str | list[str]]:
    """Parameters for the API; `owner=me` is whoever looks, so that the address can be shared."""
    asked: dict[str, str | list[str]] = {}
    for name, values in filters.items():
        meant = [reader if name == "owner" and value == ME else value for value in values]
        asked[name] = meant[-1] if name in _SINGLE else meant
    return asked


def shared(filters: Mapping[str, Sequence[str]], reader: str) -> Filters:
    """The same filters with the reader as `me`."""
    return {
        name: [ME if name == "owner" and value == reader else value for value in values]
        for name, values in filters.items()
    }


def same(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]], reader: str) -> bool:
    """Whether two sets of filters show the same tickets, in whatever order."""
    return _comparable(one, reader) == _comparable(other, reader)


def address(filters: Mapping[str, Sequence[str]]) -> str:
    """The board with these filters."""
    query = urlencode(list(filters.items()), doseq=True)
    return f"/board?{query}" if query else "/board"


def carried(shown: Filters) -> list[tuple[str, str]]:
    """Filters that the form takes along without a field for them."""
    return [(name, value) for name in _CARRIED for value in shown.get(name, ())]


def chips(shown: Filters, words: Words, present: Present) -> Iterator[Chip]:
    """Chips for the filters that the form takes along."""
    for name in _CARRIED:
        values = shown.get(name)
        if name == "status" and values:
            yield _statuses(shown, words)
        elif values:
            yield Chip(_worded(name, values[-1], words, present), address(_without(shown, name)))


def _statuses(shown: Filters, words: Words) -> Chip:
    """Without the chip of what is open the board shows everything; without any other, what is open."""
    chosen, others = set(shown["status"]), _without(shown, "status")
    if chosen == set(OPEN):
        return Chip(words.of("view", "open"), address({"status": list(EVERY), **others}))
    if chosen == set(EVERY):
        return Chip(words.text("board.chip.every_status"), address(others))
    return Chip(words.text("list.and").join(words.of("status", each) for each in shown["status"]), address(others))


def _worded(name: str, value: str, words: Words, present: Present) -> str:
    if name == "assigned":
        return words.text(f"board.chip.assigned.{'true' if value == 'true' else 'false'}")
    return words.text(f"board.chip.{name}", value=_instant(value, present) if name in _INSTANTS else value)


def _instant(value: str, present: Present) -> str:
    """An instant as the API reads more of than this page does."""
    with suppress(ValueError):
        return present.text(value)
    return value


def _without(filters: Filters, name: str) -> Filters:
    return {each: values for each, values in filters.items() if each != name}


def _parts(name: str, value: str) -> list[str]:
    return value.split(",") if name in FIELDS else [value]


def _comparable(filters: Mapping[str, Sequence[str]], reader: str) -> dict[str, tuple[str, ...]]:
    meant = shared(standing(filters), reader)
    return {name: tuple(sorted(values)) for name, values in meant.items() if name != "sort"}
