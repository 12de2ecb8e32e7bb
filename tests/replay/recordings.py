"""The recorded histories, and the one way to replay them."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from services.notify.alerts.workflow import AlertWorkflow
from services.notify.notices.workflow import NoticeWorkflow
from services.notify.webhooks.workflow import WebhookWorkflow
from services.runtime.temporal.replays import LightReplays
from services.runtime.temporal.sandbox import SHARED_WITH_SANDBOX, sandbox
from services.survey.invitations.workflow import SurveyWorkflow
from services.workflow.lifecycle.workflow import TicketWorkflow

WORKFLOWS: list[type] = [AlertWorkflow, TicketWorkflow, NoticeWorkflow, WebhookWorkflow, SurveyWorkflow]
FOLDER = Path(__file__).parent / "histories"
WATCHED = (*(name for name in SHARED_WITH_SANDBOX if name != "services"), "services.contracts")
"""Shared with a sandbox that watches everything of ours but messages: dear, and so for replays alone."""


def recorded() -> dict[str, WorkflowHistory]:
    """Every recorded history, by the name of its path."""
    files = sorted(FOLDER.glob("*.json"))
    return {file.stem: WorkflowHistory.from_json(file.stem, file.read_text(encoding="utf-8")) for file in files}


def record(name: str, history: WorkflowHistory) -> None:
    """Store a history as the path's recording, without traces of failures: they name files of this machine."""
    kept = _without_traces(history.to_json_dict())
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _without_traces(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_traces(child) for child in node]
    if isinstance(node, dict):
        return {name: _without_traces(child) for name, child in node.items() if name != "stackTrace"}
    return node


def strings(node: Any) -> list[str]:
    """Every string in a history; payloads are decoded."""
    if isinstance(node, list):
        return [text for child in node for text in strings(child)]
    if isinstance(node, dict):
        data = node.get("data") if "metadata" in node else None
        payload = [base64.b64decode(data).decode()] if isinstance(data, str) else []
        return payload + [text for child in node.values() for text in strings(child)]
    return [node] if isinstance(node, str) else []


async def replay(history: WorkflowHistory, shared: Sequence[str] = SHARED_WITH_SANDBOX) -> None:
    """Replay in a sandbox; the one that workers use if nothing else is said.

    Raises:
        NondeterminismError: today's workflow would not have done what the history says.
    """
    replayer = Replayer(
        workflows=WORKFLOWS,
        data_converter=pydantic_data_converter,
        workflow_runner=sandbox(shared),
        interceptors=[LightReplays()],
    )
    await replayer.replay_workflow(history)
