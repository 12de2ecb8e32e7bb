"""A ticket's course as its journal tells it: with whom it was, what was explained, when the customer had replied to a
pause (semantics.md 10, 16). Derived at reading, from rows in the order of the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.contracts.journal import EventType
from services.contracts.ticket import Segment
from services.contracts.vocabulary import ActorKind, WaitReason
from services.workflow.lifecycle.customer_answers import ANSWERS, is_answer

Row = Mapping[Any, Any]

_ENDS = frozenset({EventType.RESOLVED, EventType.CLOSED, EventType.WITHDRAWN, EventType.MERGED})
_PLACES = frozenset({EventType.RECEIVED, EventType.ACCEPTED, EventType.ASSIGNED, EventType.RECLASSIFIED,
                     EventType.REOPENED})  # fmt: skip
_SAID_BY_CUSTOMERS = frozenset({EventType.CUSTOMER_MESSAGE, EventType.INFORMATION_SUPPLIED})

COURSE = tuple(sorted(_ENDS | _PLACES | _SAID_BY_CUSTOMERS | ANSWERS.keys()
                      | {EventType.CLOCK_EXPLAINED}))  # fmt: skip
"""The types of events that a course is read from."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time that the ticket was with one department and owner; `to_at` is None while it is."""

    department: str | None
    owner: str | None
    from_at: datetime
    to_at: datetime | None


class TicketHistory:
    """The journal of one ticket, as far as `COURSE` goes."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.explained = {_key(row["data"]) for row in rows if row["type"] == EventType.CLOCK_EXPLAINED}

    def stretches(self) -> list[Stretch]:
        """With whom the ticket was while somebody had to work on it; from its resolution to a reopening nobody had."""
        found: list[Stretch] = []
        department = owner = None
        since: datetime | None = None
        for row in self._rows:
            if row["type"] not in _PLACES | _ENDS:
                continue
            if since is not None and since < row["at"]:
                found.append(Stretch(department, owner, since, row["at"]))
            department, owner = _place(row, department, owner)
            since = _since(row, since)
        return _joined([*found, Stretch(department, owner, since, None)] if since is not None else found)

    def replied_at(self, pause: Segment) -> datetime | None:
        """The instant at which the customer had already replied to a pause that waits for them (10): the first message
        that nobody had answered when it began, or that did not end it."""
        if WaitReason.CUSTOMER not in pause.reasons:
            return None
        before = [row for row in self._rows if row["at"] <= pause.from_at]
        spoken = [row["at"] for row in before if is_answer(row["type"], row["actor_kind"], row["data"])]
        since = max(spoken, default=None)
        theirs = [row for row in self._rows if row["actor_kind"] == ActorKind.CUSTOMER]
        said = (row["at"] for row in theirs if row["type"] in _SAID_BY_CUSTOMERS)
        unanswered = (at for at in said if (since is None or at > since) and (pause.to_at is None or at < pause.to_at))
        return min(unanswered, default=None)


def _place(row: Row, department: str | None, owner: str | None) -> tuple[str | None, str | None]:
    data = row["data"]
    if row["type"] not in _PLACES or row["type"] == EventType.REOPENED:
        return department, owner
    department = data.get("department", department)
    return department, data.get("owner") if row["type"] == EventType.ASSIGNED else owner


def _since(row: Row, since: datetime | None) -> datetime | None:
    """The beginning of the present stretch, after an event; handing on a resolved ticket begins none."""
    if row["type"] in _ENDS:
        return None
    began = row["type"] in {EventType.RECEIVED, EventType.REOPENED} or since is not None
    return row["at"] if began else None


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Join the stretches that follow one another without a change."""
    joined: list[Stretch] = []
    for it in stretches:
        last = joined[-1] if joined else None
        if last and (last.department, last.owner, last.to_at) == (it.department, it.owner, it.from_at):
            joined[-1] = Stretch(it.department, it.owner, last.from_at, it.to_at)
        else:
            joined.append(it)
    return joined


def _key(data: Mapping[str, Any]) -> str:
    return f"{data['clock']}/{data['cycle']}/{data['round']}"
