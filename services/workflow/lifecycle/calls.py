"""Calls of the workflows to the outside, with their retry policies: declared here and nowhere else."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
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


async def record(batch: RecordRequest) -> Schedule:
    """Write a batch to the journal and get the instants to wait for. Returns when the batch is durable.

    Raises:
        ActivityError: caused by an ApplicationError of type `ENGINE_BEHIND`; anything else is retried for ever.
    """
    schedule: Schedule = await workflow.execute_activity(
        ACTIVITY_RECORD,
        batch,
        result_type=Schedule,
        start_to_close_timeout=timedelta(seconds=15),
        retry_policy=_UNTIL_IT_WORKS,
    )
    return schedule


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
