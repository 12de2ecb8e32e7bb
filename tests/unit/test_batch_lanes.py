"""The lanes of feedback that is filed together: nobody waits for a lane that has ended."""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.intake.feedback.batch_insert import BatchInsert, InsertResult
from services.runtime.postgres.database import Database


class GatedBatches(BatchInsert):
    """Batches whose statements all end in one moment."""

    def __init__(self) -> None:
        super().__init__(Database("postgresql://nobody@127.0.0.1:1/none"))
        self.gate = asyncio.Event()

    async def _send(self, drafts: Any, *, alone: bool = False) -> Sequence[InsertResult]:
        assert not alone
        await self.gate.wait()
        return [InsertResult(ticket_no=draft["number"]) for draft in drafts]


async def test_a_feedback_that_comes_as_every_lane_ends_is_filed() -> None:
    batches = GatedBatches()

    async def late() -> InsertResult:
        await batches.gate.wait()
        return await batches.file({"number": "late"})

    first = []
    for number in ("0", "1"):
        first.append(asyncio.create_task(batches.file({"number": number})))
        for _ in range(3):  # its lane begins, and waits
            await asyncio.sleep(0)
    last = asyncio.create_task(late())
    await asyncio.sleep(0)
    batches.gate.set()
    async with asyncio.timeout(5):
        assert [(await each).ticket_no for each in (*first, last)] == ["0", "1", "late"]
    assert not batches._lanes
