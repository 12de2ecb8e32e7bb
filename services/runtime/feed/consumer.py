"""Consumers of another service's feed: each of its events has its effect here exactly once.

A page is applied and the consumer's place moved in one transaction, so a kill, a lost answer or a second replica
changes nothing. From one page to the next the place is kept in memory: the statement that moves it checks it. After a
failure, after a rest, and where another replica was faster, it is read again. An event that cannot be applied is tried
alone, then set aside as a dead letter (`dead_letters`), and stops only itself; a consumer that can apply nothing any
more stands still instead, and its lag grows. Tables, metrics and logs call a consumer `follower`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter, Gauge
from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Update,
    bindparam,
    func,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import Unavailable
from services.runtime.feed.dead_letters import DeadLetters
from services.runtime.feed.pages import Item, Page
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement
from services.runtime.telemetry import log

RETRY_SECONDS = (0.1, 0.3, 1.0, 2.0)
"""Pauses between the tries of an event that cannot be applied; after the last one it is set aside."""
MOST_SET_ASIDE = 10
"""Events set aside one after another; when not one in between can be applied, it is not the events that are wrong."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_PLACE = "SELECT cursor, passed FROM {cursors} WHERE follower = :follower"

lag_seconds = Gauge(
    "bihuan_feed_lag_seconds", "Age of the oldest event not applied yet, when a page was fetched.", ["follower"]
)
followed_at = Gauge("bihuan_feed_followed_timestamp_seconds", "When the feed last answered.", ["follower"])
failures_total = Counter("bihuan_feed_failures_total", "Events set aside because they cannot be applied.", ["follower"])
events_total = Counter("bihuan_feed_events_total", "Events applied.", ["follower"])


def consumer_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Make the tables of a service that has consumers: where each stands, and its dead letters."""
    cursors = Table(
        "feed_cursors",
        metadata,
        Column("follower", Text, primary_key=True),
        Column("cursor", Text),
        Column("passed", Integer, nullable=False, server_default=text("0")),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    )
    failures = Table(
        "feed_failures",
        metadata,
        Column("follower", Text, nullable=False),
        Column("ticket_no", Text, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("error", Text, nullable=False),
        Column("failed_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("event", JSONB, nullable=False),
        PrimaryKeyConstraint("follower", "ticket_no", "seq"),
    )
    return cursors, failures


@dataclass(frozen=True)
class Place:
    """The place of a consumer: `passed` events behind `cursor`. It counts while events of a page go one by one."""

    cursor: str | None
    passed: int = 0


class _Overtaken(Exception):
    """Another replica has applied these events."""


class Consumer:
    """Applies a feed, page by page; replicas of one `name` share the work.

    `fetch` answers the page behind a cursor, and waits a while where there is none. `apply` writes what the events
    cause, in the transaction given; it is called again after `Unavailable`, and event by event after anything else.
    A dead letter is `read` again by ticket and sequence number and goes to `apply_dead_letter`, to `apply` without one.
    `applied` is called after each commit. `gathered_seconds` at least lie between two pages, so that what comes in a
    wave costs a few of them; after a rest the first event is applied at once.
    """

    def __init__(
        self,
        name: str,
        *,
        database: Database,
        tables: tuple[Table, Table],
        fetch: Callable[[str | None], Awaitable[Page]],
        read: Callable[[str, int], Awaitable[Item]],
        apply: Callable[[AsyncConnection, Sequence[Any]], Awaitable[None]],
        apply_dead_letter: Callable[[AsyncConnection, Any], Awaitable[None]] | None = None,
        applied: Callable[[], None] | None = None,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        gathered_seconds: float = 0.0,
    ) -> None:
        self.name = name
        self._database = database
        self._cursors, self._failures = tables
        self._place = RawStatement(_PLACE.format(cursors=self._cursors.fullname))
        self._moved = _moved(self._cursors)
        self._fetch = fetch
        self._apply = apply
        self._applied = applied or (lambda: None)
        self._retry_seconds = retry_seconds
        self._gathered_seconds = gathered_seconds
        self._kept_place: Place | None = None
        self._set_aside_in_a_row = 0
        self.dead_letters = DeadLetters(
            name,
            database=database,
            failures=self._failures,
            read=read,
            apply=apply_dead_letter or self._apply_one,
            applied=self._applied,
        )

    async def run(self) -> None:
        """Consume until cancelled, whatever is down in between."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._consume())
            group.create_task(self.dead_letters.run())

    async def _consume(self) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            try:
                taken = await self.step()
            except Exception as error:  # noqa: BLE001 - whatever one page meets, the next try comes
                _tell(self.name, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                pause = _SHORTEST_PAUSE
                if taken:
                    await asyncio.sleep(self._gathered_seconds)

    async def step(self) -> int:
        """Fetch a page and apply it; answers how many events were applied by this replica.

        Raises:
            Unavailable: the feed or PostgreSQL is away; what was applied stays applied.
        """
        place, self._kept_place = self._kept_place or await self._stored_place(), None
        page = await self._fetch(place.cursor)
        followed_at.labels(self.name).set_to_current_time()
        items = page.items[place.passed :]
        self._measure(items)
        if page.next_cursor == place.cursor:
            return 0
        # Pages may have become shorter since events went one by one.
        end = Place(page.next_cursor, max(place.passed - len(page.items), 0))
        try:
            taken = await self._take_page(place, items, end)
        except _Overtaken:
            return 0
        self._kept_place = end
        return taken

    async def _take_page(self, place: Place, items: Sequence[Item], end: Place) -> int:
        try:
            await self._take(place, items, end)
        except (Unavailable, _Overtaken):
            raise
        except Exception as error:  # noqa: BLE001 - one event may spoil the page
            log().warning("a page of the feed goes event by event", follower=self.name, error=type(error).__name__)
            return await self._take_one_by_one(place, items, end)
        return len(items)

    async def _take_one_by_one(self, place: Place, items: Sequence[Item], end: Place) -> int:
        taken = 0
        for count, item in enumerate(items, 1):
            behind = end if count == len(items) else Place(place.cursor, place.passed + 1)
            taken += await self._take_alone(place, item, behind)
            place = behind
        return taken

    async def _take_alone(self, place: Place, item: Item, behind: Place) -> bool:
        """Apply one event, or set it aside when it cannot be applied; answers whether it was applied."""
        for seconds in (*self._retry_seconds, None):
            try:
                await self._take(place, [item], behind)
            except (Unavailable, _Overtaken):
                raise
            except Exception as error:
                if seconds is not None:
                    await asyncio.sleep(seconds)
                    continue
                if self._set_aside_in_a_row >= MOST_SET_ASIDE:
                    raise
                await self._set_aside(place, item, behind, error)
                return False
            else:
                break
        return True

    async def _take(self, place: Place, items: Sequence[Item], behind: Place) -> None:
        """Effects and place in one transaction. The place goes first: its row is what replicas wait for."""
        async with self._database.begin() as connection:
            await self._move(connection, place, behind)
            if items:
                await self._apply(connection, items)
        self._set_aside_in_a_row = 0
        events_total.labels(self.name).inc(len(items))
        self._applied()

    async def _apply_one(self, connection: AsyncConnection, item: Item) -> None:
        await self._apply(connection, [item])

    async def _set_aside(self, place: Place, item: Item, behind: Place, error: Exception) -> None:
        event = item.model_dump(mode="json")
        values = {"error": type(error).__name__, "event": event}
        key = {"follower": self.name, "ticket_no": item.ticket_no, "seq": item.event.seq}
        statement = insert(self._failures).values(**key, **values)
        statement = statement.on_conflict_do_update(index_elements=list(key), set_={**values, "failed_at": func.now()})
        async with self._database.begin() as connection:
            await self._move(connection, place, behind)
            await connection.execute(statement)
        self._set_aside_in_a_row += 1
        failures_total.labels(self.name).inc()
        log().error("an event of the feed was set aside", follower=self.name, exc_info=error)

    async def _move(self, connection: AsyncConnection, place: Place, behind: Place) -> None:
        places = {"from": place.cursor, "passed_from": place.passed, "to": behind.cursor, "passed_to": behind.passed}
        moved = await connection.execute(self._moved, {"named": self.name, **places})
        if moved.rowcount == 0:
            raise _Overtaken

    async def _stored_place(self) -> Place:
        row = await self._place.first(self._database, {"follower": self.name})
        if row is not None:
            return Place(row["cursor"], row["passed"])
        async with self._database.autocommit() as connection:
            begin = insert(self._cursors).values(follower=self.name)
            await connection.execute(begin.on_conflict_do_nothing())
        return Place(None)

    def _measure(self, items: Sequence[Item]) -> None:
        age = (datetime.now(UTC) - items[0].recorded_at).total_seconds() if items else 0.0
        lag_seconds.labels(self.name).set(max(age, 0.0))


def _moved(cursors: Table) -> Update:
    """The statement that moves a consumer's place, if it stands where it should; put together once for all pages."""
    moved = update(cursors).where(
        cursors.c.follower == bindparam("named"),
        cursors.c.cursor.is_not_distinct_from(bindparam("from")),
        cursors.c.passed == bindparam("passed_from"),
    )
    return moved.values(cursor=bindparam("to"), passed=bindparam("passed_to"), updated_at=func.now())


def _tell(consumer: str, error: Exception) -> None:
    if isinstance(error, Unavailable):
        log().info("the feed cannot be followed now", follower=consumer)
    else:
        log().error("the feed cannot be followed", follower=consumer, exc_info=error)
