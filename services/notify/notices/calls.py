"""The calls of the notice's workflow to the outside, with their retry policies: declared here and nowhere else."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from services.contracts.names import ACTIVITY_DELIVER, ACTIVITY_GIVE_UP
from services.contracts.notice import NoticeOrder

_ONE_TRY = timedelta(seconds=30)


async def deliver(order: NoticeOrder) -> str:
    """Try with growing pauses until it went, or the order's time is over.

    Raises:
        ActivityError: the time is over.
    """
    state: str = await workflow.execute_activity(
        ACTIVITY_DELIVER,
        order,
        result_type=str,
        start_to_close_timeout=_ONE_TRY,
        schedule_to_close_timeout=order.give_up_after,
        retry_policy=RetryPolicy(initial_interval=order.retry_first, maximum_interval=order.retry_longest),
    )
    return state


async def give_up(order: NoticeOrder) -> str:
    """Enter that the notice has failed; retried for ever."""
    state: str = await workflow.execute_activity(
        ACTIVITY_GIVE_UP,
        order,
        result_type=str,
        start_to_close_timeout=_ONE_TRY,
        retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
    )
    return state
