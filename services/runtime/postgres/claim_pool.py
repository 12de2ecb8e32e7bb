"""Work that rows wait for, taken up as it comes by a bounded number of hands, without the engine."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log

LOOK_SECONDS = 5.0

Item = TypeVar("Item")


class Hands(Generic[Item]):
    """Takes up what `claim` finds whenever `channel` is woken, `most` at once.

    `claim(n)` answers at most `n` items that nobody is busy with; `work` deals with one and lets nothing out but
    mistakes in the program.
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
        self._busy: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._database.listen(self._channel, lambda _: self._woken.set()))
            while True:
                self._woken.clear()
                if not await self._take_up(group):
                    await self._wait()

    async def _take_up(self, group: asyncio.TaskGroup) -> bool:
        """Give every free hand an item; answers whether to look again at once."""
        free = self._most - len(self._busy)
        items = await self._look(free) if free else ()
        for item in items:
            task: asyncio.Task[None] = group.create_task(self._deal_with(item))
            self._busy.add(task)
            task.add_done_callback(self._put_down)
        return bool(items) and len(self._busy) < self._most

    async def _deal_with(self, item: Item) -> None:
        await self._work(item)

    async def _look(self, most: int) -> Sequence[Item]:
        try:
            return await self._claim(most)
        except Refusal as error:
            log().warning("work waits", channel=self._channel, error=type(error).__name__)
            return ()

    def _put_down(self, task: "asyncio.Task[None]") -> None:
        # With a hand free all the while, what is new has been taken up already.
        if len(self._busy) >= self._most:
            self._woken.set()
        self._busy.discard(task)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return
