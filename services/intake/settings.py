"""Settings of intake."""

from pydantic import Field

from services.contracts.policy import PackId
from services.runtime.settings import RuntimeSettings


class IntakeSettings(RuntimeSettings):
    """Settings of intake and its relay."""

    relay_poll_seconds: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="How often the relay looks for registrations that no notification told of.",
    )
    promises_poll_seconds: float = Field(
        default=15.0, gt=0, le=3600, description="How often intake looks for published promises it was not told of."
    )
    ticket_link_days: int = Field(
        default=365, ge=1, le=3650, description="Days after a ticket's closing for which the customer's link opens it."
    )
    contact_lookups_per_hour: int = Field(
        default=60, ge=1, le=100_000, description="Whole contacts that one person or key may look up within an hour."
    )
    policy_pack: PackId = Field(
        default=PackId.D0, description="The policy pack that a new installation starts with: d0 to d4."
    )
