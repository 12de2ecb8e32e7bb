"""Calls of the workflows to the outside, with their retry policies: declared here and nowhere else."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from services.contracts.names import ACTIVITY_FINISH, ACTIVITY_RECALCULATE, ACTIVITY_RECORD
from services.contracts.publication import BatchDone, BatchRequest, PublicationStart
from services.contracts.recording import RecordRequest, Schedule

ENGINE_BEHIND = "engine_behind"
"""Error type: the journal is ahead of this workflow, whose engine was restored to an older state (invariant I4)."""

JOURNAL_BEHIND = "journal_behind"
"""Error type: PostgreSQL was restored to an older state than this workflow; it is parked, visibly (invariant I4)."""

_UNTIL_IT_WORKS = RetryPolicy(
    initial_interval=timedelta(milliseconds=100),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=10),
    maximum_attempts=0,
    non_retryable_error_types=[ENGINE_BEHIND],
)
"""The journal is never given up: a ticket whose step is not recorded has not taken it."""


_AT_ONCE = timedelta(seconds=4)
"""Less than the engine gives a workflow task; PostgreSQL says within two seconds that it is away."""
_ONCE = RetryPolicy(maximum_attempts=1)


async def record(batch: RecordRequest, *, at_once: bool) -> Schedule:
    """Write a batch to the journal and get the instants to wait for. Returns when the batch is durable.

    `at_once` tries it first within the workflow task. Such a try leaves no trace before the task is done: where its
    worker dies, the next one takes the step again, and the row's version tells whether the journal holds it.

    Raises:
        FailureError: whose cause is an ApplicationError of type `ENGINE_BEHIND`; anything else is retried for ever.
    """
    if at_once:
        try:
            return await _try_at_once(batch)
        except FailureError as error:
            if tells_of_a_journal_ahead(error):
                raise
    schedule: Schedule = await workflow.execute_activity(
        ACTIVITY_RECORD,
        batch,
        result_type=Schedule,
        start_to_close_timeout=timedelta(seconds=15),
        retry_policy=_UNTIL_IT_WORKS,
    )
    return schedule


async def _try_at_once(batch: RecordRequest) -> Schedule:
    schedule: Schedule = await workflow.execute_local_activity(
        ACTIVITY_RECORD,
        batch,
        result_type=Schedule,
        schedule_to_close_timeout=_AT_ONCE,
        retry_policy=_ONCE,
    )
    return schedule


def tells_of_a_journal_ahead(error: FailureError) -> bool:
    """Whether `record` was refused because the journal knows more than the workflow."""
    return isinstance(cause := cause_of(error), ApplicationError) and cause.type == ENGINE_BEHIND


def cause_of(error: FailureError) -> BaseException | None:
    """The activity's own error; the engine's library wraps it only where the engine has carried it."""
    return error.cause if isinstance(error, ActivityError) else error


async def recalculate(batch: BatchRequest) -> BatchDone:
    """Recalculate the next tickets of a publication; its row says how far it is, so a repeat goes on from there."""
    done: BatchDone = await workflow.execute_activity(
        ACTIVITY_RECALCULATE,
        batch,
        result_type=BatchDone,
        start_to_close_timeout=timedelta(minutes=30),
        heartbeat_timeout=timedelta(seconds=30),
        retry_policy=_UNTIL_IT_WORKS,
    )
    return done


async def finish(publication: PublicationStart) -> None:
    """Close the publication's row."""
    await workflow.execute_activity(
        ACTIVITY_FINISH,
        publication.publication,
        start_to_close_timeout=timedelta(seconds=15),
        retry_policy=_UNTIL_IT_WORKS,
    )
