"""The alert's workflow: waits for the next instant of its ladder. The row in PostgreSQL decides what happens then."""

from datetime import timedelta

from temporalio import workflow

from services.contracts.alert import AlertStanding, Climb
from services.contracts.names import SIGNAL_ALERT_CHANGED, WORKFLOW_ALERT
from services.notify.alerts import calls

TIMER_STEP = timedelta(milliseconds=1)
"""What the engine's timers can tell apart; an alarm is set one step late rather than one early."""


@workflow.defn(name=WORKFLOW_ALERT)
class AlertWorkflow:
    """One alert, from its raising until it is resolved; whoever raised it has taken its first step.

    It never tells anybody on its own knowledge: each step looks at the row first. So a signal that was lost costs a
    timer that finds nothing to do, and nobody is told of an alert that was acknowledged.
    """

    @workflow.init
    def __init__(self, standing: AlertStanding) -> None:
        self.standing = standing
        self.woken = False

    @workflow.run
    async def run(self, _: AlertStanding) -> None:
        """Climb whenever it is time, until nothing is left to do."""
        while not self._is_done:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self.standing)
            self.woken = False
            if self._is_due:
                self._learn(await calls.climb(Climb(id=self.standing.id, at=workflow.now())))
            else:
                await self._wait()

    @workflow.signal(name=SIGNAL_ALERT_CHANGED)
    def changed(self, standing: AlertStanding) -> None:
        """Somebody has answered the alert, or the journal has ended it."""
        self._learn(standing)

    def _learn(self, standing: AlertStanding) -> None:
        """Keep the newer of two; a step and a signal may overtake each other."""
        if standing.version > self.standing.version:
            self.standing = standing
            self.woken = True

    @property
    def _is_due(self) -> bool:
        return self.standing.next_at is not None and self.standing.next_at <= workflow.now()

    @property
    def _is_done(self) -> bool:
        return self.standing.over and self.standing.next_at is None

    async def _wait(self) -> None:
        """Until something changes, or the next instant comes."""
        next_at = self.standing.next_at
        limit = None if next_at is None else next_at - workflow.now() + TIMER_STEP
        try:
            await workflow.wait_condition(lambda: self.woken, timeout=limit, timeout_summary="next step")
        except TimeoutError:
            return
