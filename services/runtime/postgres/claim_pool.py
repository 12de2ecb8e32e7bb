"""Work that rows wait for, claimed as it comes, so many at once, without the engine."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log

LOOK_SECONDS = 5.0

Item = TypeVar("Item")


class ClaimPool(Generic[Item]):
    """Takes up what `claim` finds whenever `channel` is woken, about `most` at once.

    `claim(n)` answers items that nobody is busy with: `n` of them, or a few more, where there are as many. `work` deals
    with one and lets nothing out but mistakes in the program.
    """

    def __init__(
        self,
        database: Database,
        channel: str,
        *,
        claim: Callable[[int], Awaitable[Sequence[Item]]],
        work: Callable[[Item], Awaitable[None]],
        most: int,
    ) -> None:
        self._database = database
        self._channel = channel
        self._claim = claim
        self._work = work
        self._most = most
        self._busy = 0
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._database.listen(self._channel, lambda _: self._woken.set()))
            while True:
                self._woken.clear()
                room = self._most - self._busy
                items = await self._look(room)
                self._busy += len(items)
                for item in items:
                    group.create_task(self._deal_with(item))
                # A second look would find nothing: there was no more, or there is no room.
                if len(items) < room or self._busy >= self._most:
                    await self._wait()

    def wake(self) -> None:
        """Look again: something waits that was claimed and given back."""
        self._woken.set()

    async def _deal_with(self, item: Item) -> None:
        try:
            await self._work(item)
        finally:
            # With room all the while, what is new has been claimed already.
            if self._busy >= self._most:
                self._woken.set()
            self._busy -= 1

    async def _look(self, most: int) -> Sequence[Item]:
        try:
            return await self._claim(most) if most > 0 else ()
        except Refusal as error:
            log().warning("work waits", channel=self._channel, error=type(error).__name__)
            return ()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return
