"""A bounded number of hands take up what comes, and nothing that waits is forgotten (I17)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from services.runtime.errors import Unavailable
from services.runtime.postgres import claim_pool
from services.runtime.postgres.claim_pool import ClaimPool
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from tests.services.system import until

CHANNEL = "something_to_do"


class PoolHarness:
    """Items that wait, and what was done with them."""

    def __init__(self, database: Database, *, most: int) -> None:
        self.database = database
        self.waiting: list[int] = []
        self.done: list[int] = []
        self.at_once = self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.away = False
        self.hands = ClaimPool(database, CHANNEL, claim=self.claim, work=self.work, most=most)

    async def claim(self, most: int) -> Sequence[int]:
        """Hand out the next ones."""
        if self.away:
            raise Unavailable
        found, self.waiting = self.waiting[:most], self.waiting[most:]
        return found

    async def work(self, item: int) -> None:
        """Take as long as the gate is closed."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        self.done.append(item)

    async def put(self, *items: int) -> None:
        """Something comes."""
        self.waiting.extend(items)
        async with self.database.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await wake(connection, CHANNEL)

    async def until_done(self, *items: int) -> None:
        """Return when these are done."""

        async def are() -> bool:
            return sorted(self.done) == sorted(items)

        await until(are, 30)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The hands are at work."""
        task = asyncio.create_task(self.hands.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def harness(shared_database: Database) -> PoolHarness:
    return PoolHarness(shared_database, most=3)


async def test_what_comes_is_done_and_never_more_at_once_than_there_are_hands(harness: PoolHarness) -> None:
    harness.gate.clear()
    async with harness.working():
        await harness.put(*range(10))

        async def all_hands_are_full() -> bool:
            return harness.at_once == 3

        await until(all_hands_are_full, 30)
        await harness.put(10)
        harness.gate.set()
        await harness.until_done(*range(11))
    assert harness.most_at_once == 3


async def test_what_was_there_before_is_done_too(harness: PoolHarness) -> None:
    harness.waiting = [1, 2, 3, 4, 5, 6, 7]
    async with harness.working():
        await harness.until_done(1, 2, 3, 4, 5, 6, 7)


async def test_while_postgresql_is_away_nothing_is_lost(harness: PoolHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_pool, "LOOK_SECONDS", 0.05)
    harness.away = True
    async with harness.working():
        await harness.put(1)
        harness.away = False
        await harness.until_done(1)


async def test_a_hand_that_becomes_free_during_a_claim_takes_up_what_waits(
    harness: PoolHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_pool, "LOOK_SECONDS", 600)
    monkeypatch.setattr(harness.database, "listen", lambda *_: asyncio.Event().wait())
    claiming, claimed = asyncio.Event(), asyncio.Event()

    async def claim(most: int) -> Sequence[int]:
        if harness.done == [1]:
            claiming.set()
            await claimed.wait()
        return await harness.claim(most)

    async def work(item: int) -> None:
        if item == 2:
            await claiming.wait()
            claimed.set()
        await harness.work(item)

    harness.waiting = [1, 2, 3, 4]
    harness.hands = ClaimPool(harness.database, CHANNEL, claim=claim, work=work, most=2)
    async with harness.working():
        await harness.until_done(1, 2, 3, 4)


async def test_what_was_given_back_is_taken_up_again(harness: PoolHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_pool, "LOOK_SECONDS", 600)
    monkeypatch.setattr(harness.database, "listen", lambda *_: asyncio.Event().wait())
    harness.waiting = [1]
    async with harness.working():
        await harness.until_done(1)
        harness.waiting = [2]
        harness.hands.wake()
        await harness.until_done(1, 2)
