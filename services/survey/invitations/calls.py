"""Calls of the survey workflow to the outside, with their retry policies: declared here and nowhere else."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError

from services.contracts.names import (
    ACTIVITY_CONCLUDE,
    ACTIVITY_EXPIRE,
    ACTIVITY_INVITE,
    ACTIVITY_REMIND,
)
from services.contracts.survey import SurveyStanding, SurveyStart, SurveyStep

_ONCE = RetryPolicy(maximum_attempts=1)
_UNTIL_IT_WORKS = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=1),
    maximum_attempts=0,
)
_AT_ONCE = timedelta(seconds=4)
_EACH = timedelta(seconds=20)


async def invite(start: SurveyStart) -> SurveyStanding:
    """Ask the customer; the standing is `scheduled` while the invitation is on its way."""
    return await _durably(ACTIVITY_INVITE, start)


async def remind(step: SurveyStep, until: datetime | None) -> None:
    """Remind the customer; given up at `until`, when nobody wants a reminder any more."""
    limit = max(until - workflow.now(), _AT_ONCE) if until else None
    try:
        await _durably(ACTIVITY_REMIND, step, limit)
    except ActivityError:
        workflow.logger.warning("a reminder was given up")


async def expire(step: SurveyStep) -> None:
    """Close the invitation that nobody answered."""
    await _durably(ACTIVITY_EXPIRE, step)


async def conclude(start: SurveyStart) -> None:
    """Do what follows from the end: journal, alert, notices that wait."""
    await _durably(ACTIVITY_CONCLUDE, start)


async def _durably(name: str, argument: SurveyStart | SurveyStep, limit: timedelta | None = None) -> SurveyStanding:
    """Try at once, inside the workflow's own task, which costs one event; then for as long as it takes."""
    try:
        standing: SurveyStanding = await workflow.execute_local_activity(
            name,
            argument,
            result_type=SurveyStanding,
            schedule_to_close_timeout=_AT_ONCE,
            retry_policy=_ONCE,
        )
    except FailureError:
        # What ends a local activity comes as it was raised there, not as an ActivityError.
        standing = await workflow.execute_activity(
            name,
            argument,
            result_type=SurveyStanding,
            start_to_close_timeout=_EACH,
            schedule_to_close_timeout=limit,
            retry_policy=_UNTIL_IT_WORKS,
        )
    return standing
