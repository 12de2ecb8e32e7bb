"""How a delivery stands, and why a webhook does not."""

from enum import StrEnum


class DeliveryState(StrEnum):
    """Where a delivery stands. `exhausted` failed to the end; `cancelled` fell when its webhook was switched off."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


class DisabledReason(StrEnum):
    """Why a webhook is switched off."""

    SWITCHED_OFF = "switched_off"
    GONE = "gone"
    """Its receiver answered 410."""
