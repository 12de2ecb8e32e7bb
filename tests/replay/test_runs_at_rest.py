"""A run that waits holds what its workflow knows, and none of the engine's messages."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from google.protobuf.message import Message
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

from services.runtime.temporal import sandbox
from tests.replay.recordings import recorded, replay

OF_EACH_WORKFLOW = ("alert_exhausted", "closed_confirmed", "notice_sent_later", "survey_expired", "webhook_exhausted")
THE_SDK_S_OWN = "google._upb"
"""Lists and maps of a message; each keeps the whole of it."""


@pytest.mark.parametrize("name", OF_EACH_WORKFLOW)
async def test_nothing_of_a_task_is_kept_after_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    activate, rested, kept = sandbox._Run.activate, [], []

    def watched(run: sandbox._Run, act: WorkflowActivation) -> WorkflowActivationCompletion:
        done = activate(run, act)
        rested.append(run)
        kept.extend(_messages(run))
        return done

    monkeypatch.setattr(sandbox._Run, "activate", watched)
    await replay(recorded()[name])
    assert rested
    assert kept == []


def _messages(run: sandbox._Run) -> list[str]:
    """Names of whatever holds a part of a message; that of no result, which all runs share, is none of a task."""
    return [name for name, value in _held(run) if _is_message(value) and value is not sandbox._NO_RESULT]


def _held(run: sandbox._Run) -> Iterator[tuple[str, Any]]:
    instance = sandbox._instance_of(run._sandboxed)
    holders: list[Any] = [instance, instance._workflow_input, run._sandboxed.instance_details, instance._info]  # type: ignore[attr-defined]
    for holder in holders:
        yield from vars(holder).items() if hasattr(holder, "__dict__") else ()
        for each in fields(holder) if hasattr(holder, "__dataclass_fields__") else ():
            value = getattr(holder, each.name)
            yield from ((each.name, one) for one in (value, *(value.values() if isinstance(value, dict) else ())))


def _is_message(value: object) -> bool:
    return isinstance(value, Message) or type(value).__module__.startswith(THE_SDK_S_OWN)
