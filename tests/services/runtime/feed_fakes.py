"""A feed of made-up events, and consumers of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prometheus_client import REGISTRY
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import NotFound, Unavailable
from services.runtime.feed.consumer import Consumer, consumer_tables
from services.runtime.postgres.database import Database

metadata = MetaData()
CURSORS, FAILURES = consumer_tables(metadata)
effects = Table("effects", metadata, Column("ticket_no", Text), Column("seq", Integer))
Apply = Callable[[AsyncConnection, Sequence[Any]], Awaitable[None]]


@dataclass(frozen=True)
class Event:
    """An event's own part."""

    seq: int


@dataclass(frozen=True)
class Item:
    """An event in the feed."""

    ticket_no: str
    event: Event
    recorded_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """As the feed carries it."""
        return {"ticket_no": self.ticket_no, "seq": self.event.seq, "mode": mode}


@dataclass(frozen=True)
class Page:
    """A page of it."""

    items: Sequence[Item]
    next_cursor: str | None


class Feed:
    """A feed of so many events of one ticket; a cursor is the number of events before it."""

    def __init__(self, count: int, page: int = 10) -> None:
        self.items = [Item("T1", Event(seq)) for seq in range(1, count + 1)]
        self.page = page
        self.away = False
        self.asked: list[str | None] = []
        self._nothing_new = asyncio.Event()

    def add(self, count: int) -> None:
        """So many events more; who waits hears of them."""
        begin = len(self.items) + 1
        self.items += [Item("T1", Event(seq)) for seq in range(begin, begin + count)]
        self._nothing_new.set()
        self._nothing_new = asyncio.Event()

    async def fetch(self, cursor: str | None) -> Page:
        """Answer a page, which may hold nothing."""
        self.asked.append(cursor)
        if self.away:
            raise Unavailable
        return self._page(cursor)

    def _page(self, cursor: str | None) -> Page:
        start = int(cursor or 0)
        items = self.items[start : start + self.page]
        return Page(items, str(start + len(items)) if items else cursor)

    async def read(self, ticket_no: str, seq: int) -> Item:
        """Answer one event."""
        if self.away:
            raise Unavailable
        for item in self.items:
            if (item.ticket_no, item.event.seq) == (ticket_no, seq):
                return item
        raise NotFound

    async def wait_for_more(self, cursor: str | None) -> Page:
        """As `fetch`, as long as there is something."""
        page = await self.fetch(cursor)
        while not page.items:
            await self._nothing_new.wait()
            page = self._page(cursor)
        return page


@asynccontextmanager
async def begun(database: Database) -> AsyncIterator[AsyncConnection]:
    """A transaction as a consumer's `apply` gets it: its place is moved already."""
    async with database.begin() as connection:
        await connection.execute(text("SELECT 1"))
        yield connection


async def note(connection: AsyncConnection, items: Sequence[Any]) -> None:
    """Leave a row for each event."""
    rows = [{"ticket_no": item.ticket_no, "seq": item.event.seq} for item in items]
    await connection.execute(insert(effects), rows)


def consumer(
    store: Database, feed: Feed, apply: Apply = note, *, name: str = "notices", waits: bool = False, **options: Any
) -> Consumer:
    """A consumer that tries a failing event again at once."""
    fetch = feed.wait_for_more if waits else feed.fetch
    options = {"retry_seconds": (0, 0, 0, 0), "read": feed.read, "fetch": fetch, **options}
    return Consumer(name, database=store, tables=(CURSORS, FAILURES), apply=apply, **options)


async def applied(store: Database) -> list[int]:
    """The events that had their effect, in the order of their effects."""
    async with store.read() as connection:
        return list(await connection.scalars(select(effects.c.seq)))


async def set_aside(store: Database) -> list[Any]:
    """The events that could not be applied."""
    async with store.read() as connection:
        return list((await connection.execute(select(FAILURES))).mappings())


@asynccontextmanager
async def running(*consumers: Consumer) -> AsyncIterator[None]:
    """Let consumers run while the block lasts."""
    tasks = [asyncio.create_task(each.run()) for each in consumers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def figure(name: str, who: str = "notices") -> float:
    """A figure of a consumer."""
    return REGISTRY.get_sample_value(name, {"follower": who}) or 0.0
