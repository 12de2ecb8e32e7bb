"""The process of `bare_ticket`, apart from it: the sandbox loads a workflow's module anew for every run."""

import asyncio
import os
import signal

from services.runtime.temporal.client import connect, worker
from tests.bench.bare_ticket import QUEUE, BareTicket, note


async def _work() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await connect(os.environ["BENCH_TEMPORAL_ADDRESS"], secret=os.environ["BENCH_SECRET"])
    slots = {"max_concurrent_workflow_tasks": 40, "max_concurrent_activities": 20, "max_cached_workflows": 2_000}
    async with worker(client, QUEUE, workflows=[BareTicket], activities=[note], **slots):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_work())
