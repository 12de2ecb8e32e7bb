"""The floor of the tickets, a process of its own: a workflow with as many updates and activities and nothing else."""

import asyncio
import os
import signal
from datetime import timedelta

from temporalio import activity, workflow

from services.runtime.temporal import connect, worker

QUEUE = "bench"


@activity.defn
async def note(step: int) -> int:
    """Do nothing."""
    return step


@workflow.defn
class BareTicket:
    """Takes updates, each with one activity, until it has taken so many."""

    def __init__(self) -> None:
        self.taken = 0

    @workflow.run
    async def run(self, updates: int) -> int:
        """Wait for the updates."""
        await workflow.wait_condition(lambda: self.taken == updates and workflow.all_handlers_finished())
        return self.taken

    @workflow.update
    async def command(self, step: int) -> int:
        """One activity."""
        await workflow.execute_activity(note, step, start_to_close_timeout=timedelta(seconds=15))
        self.taken += 1
        return self.taken


async def _work() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await connect(os.environ["BENCH_TEMPORAL_ADDRESS"])
    slots = {"max_concurrent_workflow_tasks": 40, "max_concurrent_activities": 20, "max_cached_workflows": 2_000}
    async with worker(client, QUEUE, workflows=[BareTicket], activities=[note], passthrough=("pydantic",), **slots):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_work())
