"""Whoever listens hears of a commit, also of one whose process was killed before it could tell."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from services.runtime.postgres.commit_notifier import CommitNotifier, wake
from services.runtime.postgres.database import Database
from tests.services.system import until

ONE, OTHER = "one_channel", "other_channel"


class Ears:
    """Counts what is heard on two channels."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.heard = {ONE: 0, OTHER: 0}

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Ears"]:
        """Listen while the block lasts; a listener that has just connected is woken once, which counts for nothing."""
        tasks = [asyncio.create_task(self._database.listen(each, self._counter(each))) for each in self.heard]
        await until(lambda: self.have_heard(1, 1))
        self.heard = dict.fromkeys(self.heard, 0)
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def have_heard(self, one: int, other: int) -> bool:
        """Whether so many notifications have come on each."""
        return self.heard == {ONE: one, OTHER: other}

    def _counter(self, channel: str) -> Callable[[str], None]:
        def count(_payload: str) -> None:
            self.heard[channel] += 1

        return count


@pytest.fixture
async def ears(database: Database) -> AsyncIterator[Ears]:
    """Somebody who listens."""
    async with Ears(database).open() as ears:
        yield ears


async def test_a_notifier_tells_once_when_it_begins_and_then_what_is_announced(database: Database, ears: Ears) -> None:
    notifier = CommitNotifier(database, ONE, gathered_seconds=0)
    task = asyncio.create_task(notifier.run())
    await until(lambda: ears.have_heard(1, 0))
    notifier.announce()
    await until(lambda: ears.have_heard(2, 0))
    task.cancel()


async def test_what_is_announced_within_the_gathered_seconds_is_told_once(database: Database, ears: Ears) -> None:
    notifier = CommitNotifier(database, ONE, gathered_seconds=0.3)
    task = asyncio.create_task(notifier.run())
    await until(lambda: ears.have_heard(1, 0))
    for _ in range(20):
        notifier.announce()
        await asyncio.sleep(0)
    await until(lambda: ears.have_heard(2, 0))
    task.cancel()


async def test_several_channels_are_woken_with_the_commit_and_none_without_it(database: Database, ears: Ears) -> None:
    async with database.begin() as connection:
        await connection.execute(text("SELECT 1"))
        await wake(connection, ONE, OTHER)
        await connection.rollback()
    async with database.begin() as connection:
        await connection.execute(text("SELECT 1"))
        await wake(connection, ONE, OTHER)
        await wake(connection, ONE)
    await until(lambda: ears.have_heard(1, 1))
