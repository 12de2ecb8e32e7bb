"""Calls of the webhook workflow to the outside, with their retry policy."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from services.contracts.names import ACTIVITY_CARRY
from services.contracts.webhook import Carried, CarryRequest

_UNTIL_IT_WORKS = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))
"""A pass is never given up: how often a delivery is tried is its own matter."""


async def carry(webhook_id: str) -> Carried:
    """Deliver what is due. A local activity: a pass costs the engine one marker, whatever it carries."""
    carried: Carried = await workflow.execute_local_activity(
        ACTIVITY_CARRY,
        CarryRequest(webhook_id=webhook_id, now=workflow.now()),
        result_type=Carried,
        start_to_close_timeout=timedelta(seconds=90),
        retry_policy=_UNTIL_IT_WORKS,
    )
    return carried
