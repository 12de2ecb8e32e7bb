"""Replays without what nobody reads: the arguments of a local activity whose result the history holds."""

from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.worker import (
    Interceptor,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)


class LightReplays(Interceptor):
    """Spares a replay the writing and signing of arguments, which were a fifth of it.

    The engine's library looks for a local activity's result in the history and compares no arguments. Where there is no
    result, because a task was given up while the activity ran, it calls the activity without any, and that fails. So
    this is for what is tried once, and has another way behind it.
    """

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        """Stand in every workflow's way out."""
        del input
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        return self.next.start_local_activity(input if _is_read(input) else replace(input, args=()))


def _is_read(asked: StartLocalActivityInput) -> bool:
    """Whether an activity may come to see its arguments."""
    is_tried_once = asked.retry_policy is not None and asked.retry_policy.maximum_attempts == 1
    return not (is_tried_once and workflow.unsafe.is_replaying())
