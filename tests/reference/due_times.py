"""A due time is data: it moves only by an entry of the journal (invariant I11)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.contracts.ticket import Clock
from tests.reference.comparison import JournalEvent
from tests.reference.ticket_driver import DrivenTicket

RETARGETS = {"ticket.accepted", "ticket.assigned", "ticket.reclassified", "ticket.information_supplied",
             "ticket.recalculated"}  # fmt: skip
"""Events by which a clock may be promised otherwise (17, 19)."""
MOVES = RETARGETS | {"ticket.information_requested", "ticket.waiting", "ticket.resumed", "ticket.customer_message",
                     "ticket.promised"}  # fmt: skip
"""Those by which a due time may move: what pauses a clock and lets it run again, and dates that people promise."""


@dataclass(frozen=True)
class Due:
    """The promise of a live clock at one look."""

    due_at: datetime | None
    promised_at: datetime | None
    target: tuple[str, str, int]
    calendar: tuple[str, int | None]

    @staticmethod
    def of(clock: Clock) -> "Due":
        """As the clock is now."""
        return Due(
            clock.due_at,
            clock.promised_at,
            (clock.target, clock.policy, clock.policy_version),
            (clock.calendar, clock.calendar_version),
        )


class Dues:
    """Remembers due times, which move only by an entry of the journal (I11)."""

    def __init__(self) -> None:
        self._seen: dict[str, Due] = {}
        self._read = 0

    def assert_moved_by_entries(self, real: DrivenTicket) -> None:
        """Each that moved since the last look did so by an entry that moves due times, and a publication's entry names
        it with both; so do targets, and the calendars of clocks that stand still."""
        now = {clock.key: Due.of(clock) for clock in real.state.clocks}
        events = real.journal[self._read :]
        kinds = {str(event.type) for event in events}
        told = [it for event in events if event.type == "ticket.recalculated" for it in _changes(event)]
        for key in now.keys() & self._seen.keys():
            _assert_entered(key, self._seen[key], now[key], kinds, told)
        self._seen, self._read = now, len(real.journal)


def _assert_entered(key: str, before: Due, now: Due, kinds: set[str], told: Sequence[tuple[str, Any, Any]]) -> None:
    is_recalendared = before.calendar != now.calendar and before.calendar[1] is not None
    is_moved = before.due_at != now.due_at
    if before.due_at is None and now.due_at is None:
        # It stands still: its next due time will be by another target or calendar.
        is_moved = is_recalendared or before.target[0] != now.target[0]
    # A promised date stands for itself: the target behind it may change unseen.
    if (before.target != now.target and now.promised_at is None) or (is_moved and is_recalendared):
        assert kinds & RETARGETS, key
    if before.promised_at != now.promised_at:
        assert kinds & {"ticket.promised", "ticket.waiting"}, key
    if is_moved:
        assert kinds & MOVES, key
    if is_moved and kinds & MOVES == {"ticket.recalculated"}:
        assert (key, before.due_at, now.due_at) in told


def _changes(event: JournalEvent) -> Iterator[tuple[str, datetime | None, datetime | None]]:
    for it in event.data["changes"]:
        due_from, due_to = (datetime.fromisoformat(it[at]) if it[at] else None for at in ("due_from", "due_to"))
        yield f"{it['clock']}/{it['cycle']}/{it['round']}", due_from, due_to
