"""An alert: what somebody must answer for (semantics.md 23)."""

from enum import StrEnum

from pydantic import Field

from services.contracts.base import Instant, Message
from services.contracts.words import ClockName


class Threshold(StrEnum):
    """What raised an alert. A low rating is not a clock alert: it has no clock and outlives the ticket's closing."""

    WARNING = "warning"
    BREACH = "breach"
    LOW_RATING = "low_rating"


class AlertState(StrEnum):
    """Where an alert stands; an acknowledgement and a snooze end by themselves."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Rung(StrEnum):
    """Whom a step of a ladder tells."""

    OWNER = "owner"
    CLERKS = "clerks"
    ON_CALL = "on_call"
    DEPARTMENT_HEAD = "department_head"
    SUPERVISOR = "supervisor"


class RaiseAlert(Message):
    """Raise an alert that no clock raises; idempotent by ticket, cycle and threshold."""

    ticket_no: str
    cycle: int = Field(ge=1)
    threshold: Threshold
    clock: ClockName | None = None
    raised_at: Instant
    due_at: Instant
    """When an answer to it is owed: a low rating is called back within 24 h."""
