"""Timers of a workflow whose time was moved: the engine fires them one after the other, and may not have begun yet."""

from datetime import UTC, datetime
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment


async def has_due_timer(env: WorkflowEnvironment, handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether a timer is to fire at the workflow's present time and has not."""
    now = (await env.get_current_time(handle)).astimezone(UTC)
    due: dict[int, datetime] = {}
    for event in (await handle.fetch_history()).events:
        if event.HasField("timer_started_event_attributes"):
            length = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
            due[event.event_id] = event.event_time.ToDatetime(tzinfo=UTC) + length
        elif event.HasField("timer_fired_event_attributes"):
            due.pop(event.timer_fired_event_attributes.started_event_id, None)
        elif event.HasField("timer_canceled_event_attributes"):
            due.pop(event.timer_canceled_event_attributes.started_event_id, None)
    return any(at <= now for at in due.values())
