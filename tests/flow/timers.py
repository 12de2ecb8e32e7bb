"""Time of a workflow under test, moved from timer to timer.

The engine's fast-forward may overshoot: where a timer fires on its way and the workflow sets the next one, it sometimes
skips to that one too. So nothing is skipped across a timer: the last moment before it passes by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowExecutionDescription, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

LAST_MOMENT, LONGEST = timedelta(milliseconds=50), timedelta(seconds=30)
_STARTED = 1
"""The first event's id."""
Handle = WorkflowHandle[Any, Any]


async def pass_time(
    env: WorkflowEnvironment, handle: Handle, until: datetime, settled: Callable[[], Awaitable[None]]
) -> None:
    """Let time pass until an instant; `settled` waits for what each timer on the way sets going.

    Raises:
        RPCError: the workflow has ended.
    """
    while (timer := await _next_timer(handle)) is not None and timer <= until:
        await _skip_to(env, handle, timer - LAST_MOMENT)
        while await _next_timer(handle) == timer and await _now(env, handle) < timer + LONGEST:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await settled()
    await _skip_to(env, handle, until)
    await settled()


async def settled(handle: Handle) -> None:
    """Return when the workflow has nothing to do at its present time."""
    while not _is_idle(await handle.describe()):  # noqa: ASYNC110 - what is waited for is a worker's doing
        await asyncio.sleep(0.01)


def _is_idle(described: WorkflowExecutionDescription) -> bool:
    raw = described.raw_description
    return not raw.pending_activities and not raw.HasField("pending_workflow_task")


async def has_due_timer(env: WorkflowEnvironment, handle: Handle) -> bool:
    """Whether a timer is to fire at the workflow's present time and has not: the engine may not have begun yet."""
    timer = await _next_timer(handle)
    return timer is not None and timer <= await _now(env, handle)


async def _skip_to(env: WorkflowEnvironment, handle: Handle, instant: datetime) -> None:
    ahead = instant - await _now(env, handle)
    if ahead > timedelta(0):
        await env.fast_forward(handle, ahead)


async def _now(env: WorkflowEnvironment, handle: Handle) -> datetime:
    return (await env.get_current_time(handle)).astimezone(UTC)


async def _next_timer(handle: Handle) -> datetime | None:
    """The instant of the workflow's first timer that has not fired, or of its delayed first task; None without one."""
    due: dict[int, datetime] = {}
    for event in (await handle.fetch_history()).events:
        if event.HasField("workflow_execution_started_event_attributes"):
            delay = event.workflow_execution_started_event_attributes.first_workflow_task_backoff.ToTimedelta()
            due |= {event.event_id: event.event_time.ToDatetime(tzinfo=UTC) + delay} if delay else {}
        elif event.HasField("workflow_task_scheduled_event_attributes"):
            due.pop(_STARTED, None)
        elif event.HasField("timer_started_event_attributes"):
            length = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
            due[event.event_id] = event.event_time.ToDatetime(tzinfo=UTC) + length
        elif event.HasField("timer_fired_event_attributes"):
            due.pop(event.timer_fired_event_attributes.started_event_id, None)
        elif event.HasField("timer_canceled_event_attributes"):
            due.pop(event.timer_canceled_event_attributes.started_event_id, None)
    return min(due.values(), default=None)
