"""Slots that whoever comes before others gets before them: a semaphore with precedence."""

import asyncio
from heapq import heappop, heappush
from itertools import count


class PrecedenceSlots:
    """So many at once. Who waits gets a slot by precedence, the lowest number first, and then in turn."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._turns = count()

    async def acquire(self, precedence: int) -> None:
        """Return with a slot; whoever is cancelled has none."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (precedence, next(self._turns), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.release()  # it was handed over in the same moment
            raise

    def release(self) -> None:
        """Hand a slot to whoever is next."""
        while self._waiting:
            _, _, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
