"""The journal as other services follow it: every event in order, with its texts and what is known of its ticket."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.access.directory_copy import DirectoryCopy, Roll
from services.contracts.feed import EventPage, TicketEvent
from services.runtime.errors import NotFound
from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.database import Database
from services.workflow.journal.cursors import place_of, position
from services.workflow.journal.feed_items import Row, events_behind, item_of, one_event

CHANNEL = "workflow_feed"
_GATHERED_SECONDS = 0.1
_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.02, 0.1
_UNWANTED_SECONDS = 0.25
"""After events that a follower of few types does not want, until it is looked for it again."""
_BEGINNING = (0, "", 0)


def feed_notifier(database: Database) -> CommitNotifier:
    """Told by whoever has written to the journal; followers that miss it look again when their wait is over."""
    return CommitNotifier(database, CHANNEL, gathered_seconds=_GATHERED_SECONDS)


@dataclass(frozen=True)
class _Question:
    """A page that somebody asks for: at most `limit` events behind a cursor, of some types only."""

    after: str | None
    limit: int
    only: tuple[str, ...] | None

    def values(self) -> Mapping[str, object]:
        """Parameters of the statement that reads it."""
        tx, ticket_no, seq = _BEGINNING if self.after is None else position(self.after)
        return {"tx": tx, "ticket_no": ticket_no, "seq": seq, "only": self.only}


@dataclass(frozen=True)
class _Look:
    """The settled events behind a place: as a page in JSON, where some of them are wanted, and the place behind them.
    There is `more` at once, or more is `coming`: written, and not settled yet."""

    page: bytes | None
    place: str | None
    more: bool
    coming: bool


class Feed:
    """Answers followers; one per process, with one connection that listens for all of them."""

    def __init__(self, database: Database, people: DirectoryCopy) -> None:
        self._database = database
        self._people = people
        self._written = asyncio.Event()
        self._looks: dict[_Question, asyncio.Task[_Look]] = {}

    async def listen(self) -> None:
        """Hear of what is written, until cancelled."""
        await self._database.listen(CHANNEL, lambda _: self._wake())

    async def page(
        self,
        after: str | None,
        limit: int,
        wait: float,
        stopping: asyncio.Event,
        only: Collection[str] | None = None,
    ) -> bytes:
        """The events behind `after`, as an `EventPage` in JSON; when there are none, those that come within `wait`
        seconds. Ends early when the process is `stopping`. Where `only` names types, the cursor moves past all others.

        Costs one statement, and one more for each notification that brings nothing; followers who stand in the same
        place and ask at the same time share them. Whoever wants a few types only looks a few times a second.

        Raises:
            ValidationFailed: no place in the feed is called `after`.
            Unavailable: PostgreSQL does not answer; or nobody knows the staff, and a complaint is about one of them.
        """
        until, pause, place = time.monotonic() + wait, _FIRST_LOOK_SECONDS, after
        types = tuple(sorted(only)) if only else None
        while True:
            rung = self._written
            look = await self._look(_Question(place, limit, types))
            if look.page is not None:
                return look.page
            moved, place = look.place != place, look.place
            left = until - time.monotonic()
            if left <= 0 or stopping.is_set():
                return _json((), place)
            if look.more:
                continue
            if moved:
                await _first_of(min(_UNWANTED_SECONDS, left), stopping)
            elif look.coming:
                # An older transaction still runs; nothing rings when it ends.
                await asyncio.sleep(min(pause, left))
                pause = min(pause * 1.5, _LONGEST_LOOK_SECONDS)
            else:
                await _first_of(left, rung, stopping)

    async def event(self, ticket_no: str, seq: int) -> TicketEvent:
        """One event, with its ticket as that is now.

        Raises:
            NotFound: there is no such event.
        """
        rows = await one_event().all(self._database, {"ticket_no": ticket_no, "seq": seq})
        if not rows:
            raise NotFound
        (item,) = await self._items(rows)
        return item

    def _wake(self) -> None:
        # Each ring has its own event: one that comes while somebody looks is heard when they wait.
        self._written.set()
        self._written = asyncio.Event()

    async def _look(self, question: _Question) -> _Look:
        task = self._looks.get(question)
        if task is None:
            task = self._looks[question] = asyncio.create_task(self._look_alone(question))
            task.add_done_callback(lambda _: self._looks.pop(question))
        return await asyncio.shield(task)

    async def _look_alone(self, question: _Question) -> _Look:
        rows = await events_behind(question.limit).all(self._database, question.values())
        settled = [row for row in rows if row["settled"]]
        place = place_of(settled[-1]) if settled else question.after
        wanted = [row for row in settled if row["wanted"]]
        page = _json(await self._items(wanted), place) if wanted else None
        return _Look(page, place, more=len(settled) == question.limit, coming=len(settled) < len(rows))

    async def _items(self, rows: Sequence[Row]) -> tuple[TicketEvent, ...]:
        roll = await self._people.roll() if any(row["complaint_about"] for row in rows) else Roll()
        return tuple(item_of(row, roll.accused(row["complaint_about"])) for row in rows)


def _json(items: tuple[TicketEvent, ...], place: str | None) -> bytes:
    return EventPage(items=items, next_cursor=place).model_dump_json().encode()


async def _first_of(seconds: float, *events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
