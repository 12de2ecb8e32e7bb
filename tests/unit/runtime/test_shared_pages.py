"""Followers of one process read a feed together, and each of them misses nothing of it."""

import asyncio

import pytest

from services.runtime.errors import Unavailable
from services.runtime.feed import pages
from services.runtime.feed.pages import SharedPages
from tests.services.runtime.feed_fakes import Feed


class Reader:
    """A feed, and what was asked of it."""

    def __init__(self, count: int, page: int = 10, limit: int = 10) -> None:
        self.feed = Feed(count, page)
        self.shared = SharedPages(self.feed.wait_for_more, limit=limit)

    async def read(self, after: str | None) -> tuple[list[int], str | None]:
        """The numbers of a page's events, and its cursor."""
        page = await self.shared.page(after)
        return [item.event.seq for item in page.items], page.next_cursor

    async def waits(self, after: str | None) -> "asyncio.Task[tuple[list[int], str | None]]":
        """Somebody who has come to a place and waits there."""
        waiting = asyncio.create_task(self.read(after))
        for _ in range(3):
            await asyncio.sleep(0)
        return waiting


async def test_followers_who_stand_in_the_same_place_wait_for_one_answer() -> None:
    reader = Reader(2)
    waiting = [await reader.waits("2") for _ in range(3)]
    reader.feed.add(1)
    assert [await each for each in waiting] == [([3], "3")] * 3
    assert reader.feed.asked == ["2"]


async def test_whoever_comes_a_moment_later_gets_what_was_read_since_as_one_page() -> None:
    reader = Reader(6, page=2)
    ahead = [await reader.read(place) for place in (None, "2", "4")]
    assert ahead == [([1, 2], "2"), ([3, 4], "4"), ([5, 6], "6")]
    assert await reader.read(None) == ([1, 2, 3, 4, 5, 6], "6")
    assert await reader.read("2") == ([3, 4, 5, 6], "6")
    assert reader.feed.asked == [None, "2", "4"]


@pytest.mark.parametrize(("limit", "taken"), [(3, 2), (4, 4), (5, 4)])
async def test_pages_are_joined_up_to_the_limit(limit: int, taken: int) -> None:
    reader = Reader(6, page=2, limit=limit)
    for place in (None, "2", "4"):
        await reader.shared.page(place)
    assert await reader.read(None) == (list(range(1, taken + 1)), str(taken))


async def test_a_page_that_somebody_still_waits_for_holds_up_nobody_behind() -> None:
    reader = Reader(2)
    await reader.read(None)
    waiting = await reader.waits("2")
    assert await reader.read(None) == ([1, 2], "2")
    waiting.cancel()


async def test_a_page_is_forgotten_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(2)
    await reader.read(None)
    monkeypatch.setattr(pages, "KEPT_SECONDS", 0.0)
    await reader.read(None)
    assert reader.feed.asked == [None, None]


async def test_no_more_pages_are_kept_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_KEPT", 2)
    reader = Reader(8, page=2)
    for place in (None, "2", "4", "6"):
        await reader.read(place)
    await reader.read(None)
    assert reader.feed.asked == [None, "2", "4", "6", None]


async def test_a_failure_is_everybodys_who_waited_for_it_and_nobodys_afterwards() -> None:
    reader = Reader(2)
    reader.feed.away = True
    waiting = [asyncio.create_task(reader.read(None)) for _ in range(2)]
    assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [Unavailable] * 2
    reader.feed.away = False
    assert await reader.read(None) == ([1, 2], "2")


async def test_a_follower_that_is_stopped_takes_the_answer_from_nobody() -> None:
    reader = Reader(0)
    stopped, other = await reader.waits(None), await reader.waits(None)
    stopped.cancel()
    reader.feed.add(1)
    assert await other == ([1], "1")
