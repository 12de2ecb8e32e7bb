"""The floor of the tickets: a workflow with as many updates and activities, and nothing else."""

from datetime import timedelta

from temporalio import activity, workflow

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
