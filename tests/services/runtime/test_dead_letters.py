"""Dead letters have their effect once they can be applied: late, once, and in their ticket's order."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import Unavailable
from services.runtime.feed.dead_letters import TRIED_AGAIN_AFTER
from services.runtime.postgres.database import Database
from tests.services.runtime.feed_fakes import FAILURES, Feed, Item, applied, consumer, figure, note, running, set_aside
from tests.services.runtime.sample_app import until

AT_ONCE = timedelta(0)


async def spoilt(connection: AsyncConnection, items: Sequence[Any]) -> None:
    """An `apply` that has a fault with events 2 and 4."""
    if {2, 4} & {item.event.seq for item in items}:
        raise LookupError
    await note(connection, items)


@pytest.fixture
async def feed(store: Database) -> Feed:
    """Five events, of which 2 and 4 have been set aside."""
    feed = Feed(5)
    assert await consumer(store, feed, spoilt).step() == 3
    return feed


async def age(store: Database, **by: float) -> None:
    """Let the events have failed so much earlier."""
    async with store.begin() as connection:
        await connection.execute(update(FAILURES).values(failed_at=func.now() - timedelta(**by)))


async def test_an_event_that_failed_is_applied_once_the_process_is_started_with_what_can(
    store: Database, feed: Feed
) -> None:
    async def nothing_is_left() -> bool:
        return await set_aside(store) == [] and figure("bihuan_feed_set_aside") == 0

    async with running(consumer(store, feed, waits=True)):
        await until(nothing_is_left)
    assert await applied(store) == [1, 3, 5, 2, 4]


async def test_two_replicas_apply_it_once(store: Database, feed: Feed) -> None:
    both_have_read = asyncio.Barrier(2)

    class Together(Feed):
        async def read(self, ticket_no: str, seq: int) -> Item:
            await both_have_read.wait()
            return await super().read(ticket_no, seq)

    rounds = (consumer(store, Together(5)).dead_letters.try_again(AT_ONCE) for _ in range(2))
    assert sum(await asyncio.gather(*rounds)) == 2
    assert sorted(await applied(store)) == [1, 2, 3, 4, 5]
    assert await set_aside(store) == []


async def test_what_still_fails_stays_with_its_newest_error_and_stops_nothing_else(store: Database, feed: Feed) -> None:
    async def half_mended(connection: AsyncConnection, items: Sequence[Any]) -> None:
        if items[0].event.seq == 2:
            raise ZeroDivisionError
        await note(connection, items)

    await age(store, days=1)
    assert await consumer(store, feed, half_mended).dead_letters.try_again(AT_ONCE) == 1
    (left,) = await set_aside(store)
    assert (left["seq"], left["error"]) == (2, "ZeroDivisionError")
    assert figure("bihuan_feed_set_aside") == 1
    assert await applied(store) == [1, 3, 5, 4]


async def test_it_is_tried_an_hour_after_it_last_failed_and_not_before(store: Database, feed: Feed) -> None:
    assert timedelta(hours=1) == TRIED_AGAIN_AFTER
    mended = consumer(store, feed)
    await age(store, minutes=59)
    assert await mended.dead_letters.try_again(TRIED_AGAIN_AFTER) == 0
    assert figure("bihuan_feed_set_aside") == 2
    await age(store, minutes=60)
    assert await mended.dead_letters.try_again(TRIED_AGAIN_AFTER) == 2
    assert figure("bihuan_feed_set_aside") == 0


async def test_an_effect_that_is_written_half_leaves_the_event_where_it_is(store: Database, feed: Feed) -> None:
    async def breaks_afterwards(connection: AsyncConnection, items: Sequence[Any]) -> None:
        await note(connection, items)
        await connection.execute(text("SELECT 1/0"))

    assert await consumer(store, feed, breaks_afterwards).dead_letters.try_again(AT_ONCE) == 0
    assert await applied(store) == [1, 3, 5]
    assert [row["seq"] for row in await set_aside(store)] == [2, 4]


async def test_while_the_feed_is_away_nothing_counts_as_failed_again(store: Database, feed: Feed) -> None:
    before = await set_aside(store)
    feed.away = True
    with pytest.raises(Unavailable):
        await consumer(store, feed).dead_letters.try_again(AT_ONCE)
    assert await set_aside(store) == before
    feed.away = False
    assert await consumer(store, feed).dead_letters.try_again(AT_ONCE) == 2


async def test_an_event_that_the_journal_does_not_know_stays_and_is_named(store: Database, feed: Feed) -> None:
    feed.items = feed.items[:3]
    assert await consumer(store, feed).dead_letters.try_again(AT_ONCE) == 1
    (left,) = await set_aside(store)
    assert (left["seq"], left["error"]) == (4, "NotFound")


async def test_a_follower_applies_late_in_its_own_way_and_never_what_others_set_aside(
    store: Database, feed: Feed
) -> None:
    late: list[int] = []
    told: list[None] = []

    async def in_its_way(_: AsyncConnection, item: Item) -> None:
        late.append(item.event.seq)

    other = consumer(store, feed, name="alerts")
    assert await other.dead_letters.try_again(AT_ONCE) == 0
    own = consumer(store, feed, apply_dead_letter=in_its_way, applied=lambda: told.append(None))
    assert await own.dead_letters.try_again(AT_ONCE) == 2
    assert (late, len(told)) == ([2, 4], 2)
    assert await applied(store) == [1, 3, 5]
