"""Changes that a page of events makes to notices: each event after those before it, and all written at once.

An event takes back, and lets go, what the events before it have made. What they made in the same page is changed before
it is ever written; what stood there before the page is changed by the statement that writes the page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.notice import NoticeKind, NoticeState
from services.notify.notices.statements import NAMED, RELEASE, TAKE_PAGE
from services.notify.notices.submission import NoticeDraft, count, rows_of
from services.runtime.postgres.raw_statement import json_text


@dataclass(frozen=True)
class Waiting:
    """Waiting notices of one ticket and these kinds, where given only those of `until` or before."""

    ticket_no: str
    kinds: frozenset[NoticeKind]
    until: datetime | None = None

    def holds(self, draft: NoticeDraft) -> bool:
        """Whether a draft is one of them."""
        request = draft.request
        of_time = self.until is None or request.at <= self.until
        return request.ticket_no == self.ticket_no and request.kind in self.kinds and of_time and not draft.cancelled


class NoticeChanges:
    """Gathers changes in the order of events; `write` enters them in a transaction."""

    def __init__(self, named: Mapping[str, Iterable[str]]) -> None:
        self._drafts: dict[str, NoticeDraft] = {}
        self._taken_back: list[Waiting] = []
        self._released: list[Waiting] = []
        self._named_before = {ticket_no: frozenset(each) for ticket_no, each in named.items()}
        self._named: dict[str, frozenset[str]] = {}

    def take_back(self, which: Waiting) -> None:
        """Take back what an event makes untrue (semantics.md 21)."""
        self._taken_back.append(which)
        self._change(which, cancelled=True)

    def add(self, drafts: Iterable[NoticeDraft]) -> None:
        """Add what one event says. A key that is there already changes nothing."""
        # In one order, so that two transactions that tell the same never wait for each other in a circle.
        for draft in sorted(drafts, key=lambda draft: draft.request.key):
            self._drafts.setdefault(draft.request.key, draft)

    def release(self, which: Waiting) -> None:
        """Let go what was held."""
        self._released.append(which)
        self._change(which, held=False)

    def named(self, ticket_no: str) -> frozenset[str]:
        """The handlers who were told that a ticket is theirs, as the table has them."""
        if ticket_no in self._named:
            return self._named[ticket_no]
        return self._named_before.get(ticket_no, frozenset())

    def name(self, ticket_no: str, named: Iterable[str]) -> None:
        """Remember who is told that a ticket is theirs."""
        self._named[ticket_no] = frozenset(named)

    async def write(self, connection: AsyncConnection, stale_after: timedelta) -> bool:
        """Enter everything; answers whether something may go that could not before.

        The transaction has executed something already.
        """
        # Before anything is taken in: what an event lets go was there before the event.
        released = await self._let_go(connection) if self._released else ()
        taken = await self._take(connection, stale_after)
        return bool(released) or any(row["state"] == NoticeState.WAITING for row in taken)

    async def _take(self, connection: AsyncConnection, stale_after: timedelta) -> Iterable[Mapping[str, Any]]:
        if not (self._drafts or self._taken_back or self._named):
            return ()
        values = {
            "notices": json_text(rows_of(self._drafts.values(), stale_after)),
            "cancels": json_text(self._taken_back),
            "handlers": json_text([{"ticket_no": no, "named": sorted(each)} for no, each in self._named.items()]),
        }
        taken = await TAKE_PAGE.within(connection, values)
        count(taken)
        return taken

    async def _let_go(self, connection: AsyncConnection) -> Iterable[Mapping[str, Any]]:
        return await RELEASE.within(connection, {"releases": json_text(self._released)})

    def _change(self, which: Waiting, **values: Any) -> None:
        for key, draft in self._drafts.items():
            if which.holds(draft):
                self._drafts[key] = replace(draft, **values)


async def changes_of(connection: AsyncConnection, assigned: Iterable[str]) -> NoticeChanges:
    """Begin changes, with what is known of the handlers of these tickets."""
    numbers = sorted(set(assigned))
    rows = await NAMED.within(connection, {"ticket_nos": numbers}) if numbers else ()
    return NoticeChanges({row["ticket_no"]: row["named"] for row in rows})
