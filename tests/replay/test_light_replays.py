"""A replay writes no arguments that nobody reads."""

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

from services.runtime.temporal import sandbox
from tests.replay.recordings import recorded, replay


@pytest.mark.parametrize(
    ("name", "written"),
    [("closed_confirmed", False), ("survey_expired", False), ("alert_exhausted", False), ("webhook_exhausted", True)],
)
async def test_a_replay_asks_without_arguments_for_what_is_tried_once_and_has_another_way(
    name: str, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate = sandbox._Run.activate
    arguments: list[bool] = []

    def watched(run: sandbox._Run, act: WorkflowActivation) -> WorkflowActivationCompletion:
        done = activate(run, act)
        asked = (
            it.schedule_local_activity for it in done.successful.commands if it.HasField("schedule_local_activity")
        )
        arguments.extend(bool(each.arguments) for each in asked)
        return done

    monkeypatch.setattr(sandbox._Run, "activate", watched)
    await replay(recorded()[name])
    assert set(arguments) == {written}
