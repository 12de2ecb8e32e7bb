"""The survey workflow: invite, remind, expire; or an answer, or a reopening. Facts are on the invitation's row."""

from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow

from services.contracts.names import SIGNAL_SURVEY_CHANGED, SIGNAL_SURVEY_TOLD, WORKFLOW_SURVEY
from services.contracts.survey import SurveyStanding, SurveyStart, SurveyState, SurveyStep
from services.survey.invitations import calls

TIMER_STEP = timedelta(milliseconds=1)
"""What the engine's timers can tell apart; a step is taken one late rather than one early."""


@workflow.defn(name=WORKFLOW_SURVEY)
class SurveyWorkflow:
    """One survey, from its invitation to its end; started again when an answer is changed.

    Instants come from the row, where the first run had them written: a rebuilt workflow promises nothing new.
    """

    @workflow.init
    def __init__(self, start: SurveyStart) -> None:
        self.survey_id = start.survey_id
        self.changed = False
        self.told = False

    @workflow.run
    async def run(self, start: SurveyStart) -> None:
        """Ask, wait, and do what follows from the end."""
        standing = await self._invited(start)
        if standing.remind_at and await self._nothing_until(standing.remind_at):
            await calls.remind(self._step(), standing.expires_at)
        if standing.expires_at and await self._nothing_until(standing.expires_at):
            await calls.expire(self._step())
        self.changed = True
        while self.changed:
            self.changed = False
            await calls.conclude(start)

    @workflow.signal(name=SIGNAL_SURVEY_CHANGED)
    def change(self) -> None:
        """The survey was answered or withdrawn; the row says which."""
        self.changed = True

    @workflow.signal(name=SIGNAL_SURVEY_TOLD)
    def tell(self) -> None:
        """The invitation's notice went, or never will; notify says which."""
        self.told = True

    async def _invited(self, start: SurveyStart) -> SurveyStanding:
        """Ask, and wait until the notice is no longer on its way or nobody is asked any more."""
        standing = await calls.invite(start)
        while standing.state is SurveyState.SCHEDULED:
            await self._until_told(standing.look_at)
            # Both, because the row decides: a signal that nothing has happened to would be heard again for ever.
            self.told = self.changed = False
            standing = await calls.invite(start)
        return standing

    async def _until_told(self, look_at: datetime | None) -> None:
        left = None if look_at is None else max(look_at - workflow.now(), timedelta(0))
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self.told or self.changed, timeout=left, timeout_summary="the invitation's delivery"
            )

    def _step(self) -> SurveyStep:
        return SurveyStep(survey_id=self.survey_id, at=workflow.now())

    async def _nothing_until(self, at: datetime) -> bool:
        """Wait until `at`; False as soon as the survey was answered or withdrawn."""
        left = max(at - workflow.now(), timedelta(0)) + TIMER_STEP
        try:
            await workflow.wait_condition(
                lambda: self.changed, timeout=left, timeout_summary=f"{at:%Y-%m-%d %H:%M:%S} UTC"
            )
        except TimeoutError:
            return True
        return False
