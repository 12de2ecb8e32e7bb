"""The calls of the alert's workflow to the outside, with their retry policies: declared here and nowhere else."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from services.contracts.alert import AlertStanding, Climb
from services.contracts.names import ACTIVITY_CLIMB

_ONE_TRY = timedelta(seconds=15)
_ONCE = RetryPolicy(maximum_attempts=1)
_UNTIL_IT_WORKS = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5))
"""An alert is never given up: after a fault it leaves soon (invariant I12)."""


async def climb(asked: Climb) -> AlertStanding:
    """Do what is due of an alert: at once, where it waits for no slot behind mails that do not go, and then for ever
    until it works."""
    standing: AlertStanding
    try:
        standing = await workflow.execute_local_activity(
            ACTIVITY_CLIMB, asked, result_type=AlertStanding, start_to_close_timeout=_ONE_TRY, retry_policy=_ONCE
        )
    except FailureError:  # a local activity fails with its own error, not with one that wraps it
        standing = await workflow.execute_activity(
            ACTIVITY_CLIMB,
            asked,
            result_type=AlertStanding,
            start_to_close_timeout=_ONE_TRY,
            retry_policy=_UNTIL_IT_WORKS,
        )
    return standing
