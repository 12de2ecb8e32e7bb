"""A consumer gives each event of the feed its effect exactly once, whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import Unavailable
from services.runtime.feed.consumer import MOST_SET_ASIDE
from services.runtime.feed.pages import SharedPages
from services.runtime.postgres.database import Database
from tests.services.runtime.feed_fakes import (
    CURSORS,
    Event,
    Feed,
    Item,
    Page,
    applied,
    consumer,
    effects,
    figure,
    note,
    running,
    set_aside,
)
from tests.services.runtime.sample_app import until


async def test_every_event_has_its_effect_once_and_in_order_over_restarts(store: Database) -> None:
    feed = Feed(25)
    counts = [await consumer(store, feed).step() for _ in range(4)]
    assert counts == [10, 10, 5, 0]
    assert await applied(store) == list(range(1, 26))
    assert feed.asked == [None, "10", "20", "25"]


async def test_consumers_of_other_names_each_have_their_own_place(store: Database) -> None:
    feed = Feed(5)
    await consumer(store, feed).step()
    await consumer(store, feed, name="alerts").step()
    assert await applied(store) == [1, 2, 3, 4, 5] * 2


async def test_two_replicas_never_apply_an_event_twice(store: Database) -> None:
    feed = Feed(200, page=3)

    async def all_is_applied() -> bool:
        return len(await applied(store)) >= 200

    async with running(*(consumer(store, feed, waits=True) for _ in range(3))):
        await until(all_is_applied)
    assert sorted(await applied(store)) == list(range(1, 201))


async def test_followers_that_share_pages_each_give_every_event_its_effect_once(store: Database) -> None:
    """Also where one of them cannot apply what the other can: it alone sets it aside."""

    async def picky(connection: AsyncConnection, items: Sequence[Any]) -> None:
        await note(connection, items)
        if 4 in [item.event.seq for item in items]:
            raise ValueError

    feed = Feed(30, page=7)
    shared = SharedPages(feed.wait_for_more, limit=10)
    both = consumer(store, feed, fetch=shared.page), consumer(store, feed, picky, name="alerts", fetch=shared.page)

    async def all_is_applied() -> bool:
        return len(await applied(store)) >= 59

    async with running(*both):
        await until(all_is_applied)
    expected = sorted([*range(1, 31), *range(1, 4), *range(5, 31)])
    assert sorted(await applied(store)) == expected
    assert [(each["follower"], each["seq"]) for each in await set_aside(store)] == [("alerts", 4)]


async def test_two_replicas_that_share_pages_apply_each_event_once(store: Database) -> None:
    feed = Feed(120, page=3)
    shared = SharedPages(feed.wait_for_more, limit=9)

    async def all_is_applied() -> bool:
        return len(await applied(store)) >= 120

    async with running(*(consumer(store, feed, fetch=shared.page) for _ in range(3))):
        await until(all_is_applied)
    assert sorted(await applied(store)) == list(range(1, 121))


async def test_a_follower_asks_for_its_place_once_and_again_when_it_was_overtaken(store: Database) -> None:
    feed = Feed(15, page=3)
    kept, other = consumer(store, feed), consumer(store, feed)
    assert [await kept.step() for _ in range(2)] == [3, 3]
    assert await other.step() == 3
    assert [await kept.step() for _ in range(3)] == [0, 3, 3]
    assert feed.asked == [None, "3", "6", "6", "9", "12"]
    assert await applied(store) == list(range(1, 16))


async def test_a_place_that_was_set_back_is_noticed_before_anything_is_applied(store: Database) -> None:
    """A restored database; what it has forgotten is applied to it again."""
    following = consumer(store, Feed(6, page=3))
    assert [await following.step() for _ in range(2)] == [3, 3]
    async with store.begin() as connection:
        await connection.execute(update(CURSORS).values(cursor="3"))
        await connection.execute(delete(effects).where(effects.c.seq > 3))
    assert [await following.step() for _ in range(3)] == [0, 3, 0]
    assert await applied(store) == [1, 2, 3, 4, 5, 6]


async def test_a_wave_is_gathered_into_pages_and_a_page_alone_waits_for_nothing(store: Database) -> None:
    feed = Feed(1)
    seen: list[int] = []

    async def count(connection: AsyncConnection, items: Sequence[Any]) -> None:
        await note(connection, items)
        seen.append(len(items))

    async def has_seen(number: int) -> bool:
        return sum(seen) == number

    async with running(consumer(store, feed, count, waits=True, gathered_seconds=0.5)):
        await until(lambda: has_seen(1))
        for _ in range(8):
            feed.add(1)
            await asyncio.sleep(0)
        await until(lambda: has_seen(9))
    assert seen == [1, 8]


async def test_a_replica_that_is_slower_writes_nothing_of_its_page(store: Database) -> None:
    feed = Feed(5)
    may_go_on, has_fetched = asyncio.Event(), asyncio.Event()

    class Slow(Feed):
        async def fetch(self, cursor: str | None) -> Page:
            page = await super().fetch(cursor)
            has_fetched.set()
            await may_go_on.wait()
            return page

    slow = asyncio.create_task(consumer(store, Slow(5)).step())
    await has_fetched.wait()
    assert await consumer(store, feed).step() == 5
    may_go_on.set()
    assert await slow == 0
    assert await applied(store) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("moment", ["before the effects", "after the effects"])
async def test_a_kill_in_the_middle_of_a_page_leaves_all_of_it_for_the_next(store: Database, moment: str) -> None:
    is_there = asyncio.Event()

    async def killed(connection: AsyncConnection, items: Sequence[Any]) -> None:
        if moment == "after the effects":
            await note(connection, items)
        is_there.set()
        await asyncio.Event().wait()

    feed = Feed(12)
    dying = asyncio.create_task(consumer(store, feed, killed).run())
    await is_there.wait()
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    assert [await consumer(store, feed).step() for _ in range(2)] == [10, 2]
    assert await applied(store) == list(range(1, 13))


class LosesAnswers(Database):
    """Commits, and loses every other answer."""

    commits = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with super().begin() as connection:
            yield connection
        self.commits += 1
        if self.commits % 2:
            raise Unavailable


async def test_a_commit_whose_answer_was_lost_is_not_repeated(store: Database, database_url: str) -> None:
    lossy, feed = LosesAnswers(database_url), Feed(9, page=2)
    following = consumer(lossy, feed)
    for _ in range(12):
        with suppress(Unavailable):
            await following.step()
    await lossy.dispose()
    assert await applied(store) == list(range(1, 10))


async def test_an_event_that_cannot_be_applied_stops_only_itself_and_is_seen(store: Database) -> None:
    tries: list[int] = []

    async def picky(connection: AsyncConnection, items: Sequence[Any]) -> None:
        await note(connection, items)
        if 4 in [item.event.seq for item in items]:
            tries.append(len(items))
            raise ValueError("韩梅梅 13800138000")

    failed, taken = figure("bihuan_feed_failures_total"), figure("bihuan_feed_events_total")
    feed = Feed(12)
    assert [await consumer(store, feed, picky).step() for _ in range(3)] == [9, 2, 0]
    assert await applied(store) == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]
    assert tries == [10, 1, 1, 1, 1, 1]
    (failure,) = await set_aside(store)
    assert (failure["follower"], failure["ticket_no"], failure["seq"]) == ("notices", "T1", 4)
    assert failure["error"] == "ValueError"
    assert failure["event"] == {"ticket_no": "T1", "seq": 4, "mode": "json"}
    assert figure("bihuan_feed_failures_total") == failed + 1
    assert figure("bihuan_feed_events_total") == taken + 11


async def test_an_event_that_fails_four_times_is_applied_at_the_fifth(store: Database) -> None:
    left = [5]

    async def moody(connection: AsyncConnection, items: Sequence[Any]) -> None:
        await note(connection, items)
        if left[0] and 2 in [item.event.seq for item in items]:
            left[0] -= 1
            raise ValueError

    assert await consumer(store, Feed(3), moody).step() == 3
    assert await applied(store) == [1, 2, 3]
    assert await set_aside(store) == []


async def test_a_follower_that_can_apply_nothing_stands_still_instead_of_setting_all_aside(store: Database) -> None:
    broken = [True]

    async def apply(connection: AsyncConnection, items: Sequence[Any]) -> None:
        if broken[0]:
            raise LookupError
        await note(connection, items)

    following = consumer(store, Feed(40, page=5), apply)
    assert [await following.step() for _ in range(2)] == [0, 0]
    for _ in range(3):
        with pytest.raises(LookupError):
            await following.step()
    assert len(await set_aside(store)) == MOST_SET_ASIDE == 10
    broken[0] = False
    while await following.step():
        pass
    assert await applied(store) == list(range(11, 41))


async def test_an_error_of_sql_is_the_event_s_own_too(store: Database) -> None:
    async def broken(connection: AsyncConnection, items: Sequence[Any]) -> None:
        rows = [{"ticket_no": "T1", "seq": 2**40 if item.event.seq == 1 else item.event.seq} for item in items]
        await connection.execute(insert(effects), rows)

    assert await consumer(store, Feed(3), broken).step() == 2
    assert await applied(store) == [2, 3]
    (failure,) = await set_aside(store)
    assert failure["seq"] == 1


async def test_what_is_away_is_waited_for_and_never_set_aside(store: Database) -> None:
    left = [20]

    async def needs_a_peer(connection: AsyncConnection, items: Sequence[Any]) -> None:
        if left[0]:
            left[0] -= 1
            raise Unavailable
        await note(connection, items)

    following = consumer(store, Feed(3), needs_a_peer)
    for _ in range(20):
        with pytest.raises(Unavailable):
            await following.step()
    assert await following.step() == 3
    assert await set_aside(store) == []


async def test_a_follower_stopped_while_events_go_one_by_one_goes_on_behind_the_last(store: Database) -> None:
    """And a page that has become shorter meanwhile moves nothing."""
    down = [True]

    async def picky(connection: AsyncConnection, items: Sequence[Any]) -> None:
        numbers = [item.event.seq for item in items]
        if 2 in numbers:
            raise ValueError
        if down[0] and 6 in numbers:
            raise Unavailable
        await note(connection, items)

    with pytest.raises(Unavailable):
        await consumer(store, Feed(9), picky).step()
    assert await applied(store) == [1, 3, 4, 5]
    down[0] = False
    feed = Feed(9, page=2)
    counts = [await consumer(store, feed, picky).step() for _ in range(6)]
    assert counts == [0, 0, 1, 2, 1, 0]
    assert await applied(store) == [1, 3, 4, 5, 6, 7, 8, 9]


async def test_a_feed_that_is_away_is_followed_when_it_comes_back(store: Database) -> None:
    feed = Feed(3)
    feed.away = True

    async def was_asked_in_vain() -> bool:
        return bool(feed.asked)

    async def all_is_applied() -> bool:
        return len(await applied(store)) == 3

    async with running(consumer(store, feed, waits=True)):
        await until(was_asked_in_vain)
        feed.away = False
        await until(all_is_applied)


async def test_a_follower_outlives_a_page_that_it_cannot_read(store: Database) -> None:
    class Garbled(Feed):
        async def fetch(self, cursor: str | None) -> Page:
            page = await super().fetch(cursor)
            if len(self.asked) == 1:
                raise TypeError("not a page")
            return page

    async def all_is_applied() -> bool:
        return len(await applied(store)) == 3

    async with running(consumer(store, Garbled(3), waits=True)):
        await until(all_is_applied)


async def test_the_applied_are_told_after_each_commit(store: Database) -> None:
    seen: list[int] = []
    told: list[int] = []
    feed = Feed(25)

    async def count(connection: AsyncConnection, items: Sequence[Any]) -> None:
        await note(connection, items)
        seen.append(len(items))

    following = consumer(store, feed, count, applied=lambda: told.append(len(seen)))
    for _ in range(4):
        await following.step()
    assert told == [1, 2, 3]
    assert all(before < after for before, after in pairwise(told))


async def test_the_lag_is_the_age_of_the_oldest_event_that_waits(store: Database) -> None:
    feed = Feed(2)
    feed.items[0] = Item("T1", Event(1), datetime.now(UTC) - timedelta(seconds=90))
    following = consumer(store, feed, name="lagging")
    await following.step()
    assert 90 <= figure("bihuan_feed_lag_seconds", "lagging") < 100
    await following.step()
    assert figure("bihuan_feed_lag_seconds", "lagging") == 0
