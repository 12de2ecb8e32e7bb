"""Settings of the workflow service and its worker."""

from pydantic import Field

from services.contracts.policy import PackId
from services.runtime.settings import RuntimeSettings


class WorkflowSettings(RuntimeSettings):
    """Settings that the workflow service adds to every process's."""

    command_seconds: float = Field(
        default=8.0, gt=0, description="Longest wait for a command's effect; after it the answer is 503, unknown."
    )
    start_seconds: float = Field(
        default=5.0, gt=0, description="How long a command waits for a ticket's workflow that is not started yet."
    )
    workflow_slots: int = Field(default=40, ge=1, description="Workflow tasks that a worker runs at once.")
    activity_slots: int = Field(default=20, ge=1, description="Activities that a worker runs at once.")
    recalculation_batch: int = Field(
        default=50, ge=1, le=1_000, description="Open tickets that a publication recalculates before it makes a pause."
    )
    recalculation_per_second: float = Field(
        default=20.0, gt=0, description="Open tickets that a publication recalculates in a second, at most."
    )
    recalculation_retry_seconds: float = Field(
        default=30.0, ge=0, description="Pause before tickets are tried again that a publication could not recalculate."
    )
    policy_pack: PackId = Field(
        default=PackId.D0, description="The policy pack that a new installation starts with: d0 to d4."
    )
