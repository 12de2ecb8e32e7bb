"""States of a delivery, and reasons that a webhook is off."""

from enum import StrEnum


class DeliveryState(StrEnum):
    """State of a delivery. `exhausted` failed to the end; `cancelled` fell when its webhook was switched off."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


class DisabledReason(StrEnum):
    """The reason that a webhook is switched off."""

    SWITCHED_OFF = "switched_off"
    GONE = "gone"
    """Its receiver answered 410."""
