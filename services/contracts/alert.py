"""An alert: what somebody must answer for (semantics.md 23)."""

from enum import StrEnum

from pydantic import Field

from services.contracts.base import Instant, Message
from services.contracts.vocabulary import ClockName


class Threshold(StrEnum):
    """The threshold that raised an alert. A low rating has no clock and outlives the ticket's closing."""

    WARNING = "warning"
    BREACH = "breach"
    LOW_RATING = "low_rating"


class AlertState(StrEnum):
    """State of an alert; an acknowledgement and a snooze end by themselves."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """The reason that an alert is over."""

    CLOCK_ENDED = "clock_ended"
    """Its clock was met or cancelled."""
    TICKET_CLOSED = "ticket_closed"
    BREACHED = "breached"
    """A warning whose clock is overdue now: the breach has an alert of its own."""
    STALE = "stale"
    """A warning that came too late to warn (semantics.md 24)."""
    EXCUSED = "excused"
    """A change of the policy or the calendar would have avoided the breach (semantics.md 19)."""
    REOPENED = "reopened"
    """The ticket was reopened after the low rating."""
    RATING_CORRECTED = "rating_corrected"
    """The customer changed a low rating upwards while it could be changed."""
    BY_PERSON = "by_person"


class Rung(StrEnum):
    """A group of people whom a step of a ladder tells."""

    OWNER = "owner"
    CLERKS = "clerks"
    ON_CALL = "on_call"
    DEPARTMENT_HEAD = "department_head"
    SUPERVISOR = "supervisor"
    COLLEAGUE = "colleague"
    """Somebody named when the alert was handed over; no ladder names them."""
    ADMIN = "admin"
    """No ladder names them: they are told when a ladder finds nobody else."""


class RaiseAlert(Message):
    """Raise an alert that no clock raises; idempotent by ticket, cycle and threshold."""

    ticket_no: str
    cycle: int = Field(ge=1)
    threshold: Threshold
    clock: ClockName | None = None
    raised_at: Instant
    due_at: Instant
    """When an answer to it is owed: a low rating is called back within 24 h."""


class RatingCorrected(Message):
    """A low rating was corrected upwards: its alert is over. Safe to repeat."""

    ticket_no: str
    cycle: int = Field(ge=1)
    at: Instant


class AlertStanding(Message):
    """An alert as its workflow knows it; `version` tells the newer of two.

    At `next_at` time does something: the next step of the ladder, the end of an acknowledgement or of a snooze. `over`
    is a resolved alert.
    """

    id: str
    version: int
    next_at: Instant | None
    over: bool


class Climb(Message):
    """Do what is due of an alert at `at`, by the workflow's time."""

    id: str
    at: Instant
