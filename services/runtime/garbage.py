"""Garbage of a process that runs for months: rarely collected while it is young, and never left to pile up."""

import asyncio
import gc
import sys
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

THRESHOLDS = (10_000, 20, 1_000_000)
"""New objects before a collection of the young, collections of the young before one of the middle generation, and more
of those than ever come: the oldest generation is collected by growth."""
GROWTH = 0.25
LEAST_GROWTH_BLOCKS = 250_000
"""About 25 MB: less is not worth a pause."""
LOOK_SECONDS = 1.0

collected_total = Counter("bihuan_garbage_collections_total", "Collections of everything that the process holds.")
collection_seconds = Histogram(
    "bihuan_garbage_collection_seconds",
    "How long a collection of everything held the process.",
    buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
)


@dataclass
class Collector:
    """Collects everything once more than `limit` blocks of memory are allocated.

    The interpreter counts blocks, not bytes: they grow and shrink with what is held, and know nothing of gaps between.
    """

    limit: int = 0

    def begin(self) -> None:
        """Leave out of every collection what stays until the end, and let what a wave of requests holds live a moment.

        By Python's own measure, collecting took a fifth of the time of a busy web process, and up to a quarter of a
        second at once.
        """
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        self._learn()

    def look(self) -> bool:
        """Collect everything if the process has grown by a quarter since the last time; answers whether it had."""
        if sys.getallocatedblocks() <= self.limit:
            return False
        with collection_seconds.time():
            gc.collect()
        collected_total.inc()
        self._learn()
        return True

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def _learn(self) -> None:
        held = sys.getallocatedblocks()
        self.limit = held + max(int(held * GROWTH), LEAST_GROWTH_BLOCKS)
