"""Workflows as an earlier release might have had them, apart from tests: the sandbox loads their module anew."""

from datetime import timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from services.contracts.names import FORMER_WORKFLOW_ALERT


@workflow.defn(name=FORMER_WORKFLOW_ALERT)
class EarlierAlertWorkflow:
    """Leaves a mark in its history that no workflow of this release leaves."""

    @workflow.run
    async def run(self, _: dict[str, Any]) -> None:
        """Wait for ever."""
        workflow.patched("of an earlier release")
        await workflow.sleep(timedelta(days=1))
