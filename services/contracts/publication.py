"""Messages of a publication: to tickets and about itself (semantics.md 19). Ids, codes and instants only."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from services.contracts.base import Code, Instant, Message
from services.contracts.policy import SharedPolicy
from services.contracts.recording import Schedule


class SubjectKind(StrEnum):
    """The kind of subject that is published."""

    POLICY = "policy"
    CALENDAR = "calendar"


class PublicationState(StrEnum):
    """`running` while open tickets are recalculated."""

    RUNNING = "running"
    DONE = "done"


class Recalculation(Message):
    """The promises that a ticket is to live by now, computed from its state at `expected_version` by what is in force.

    `schedule` holds the instants that follow, so that the journal can tell them; `versions` the calendars in force;
    `would_be_due` when each breached, unmet clock would have been due (None: it would not have been promised);
    `excused` the finished clocks whose breach would not have been.
    """

    publication: str
    generation: int
    at: Instant
    expected_version: int
    policy: SharedPolicy | None
    versions: Mapping[Code, int]
    schedule: Schedule
    would_be_due: Mapping[str, Instant | None] = Field(default_factory=dict)
    excused: tuple[str, ...] = ()


class PublicationStart(Message):
    """The input of a publication's workflow: how fast it goes, and how often it tries what fails."""

    publication: str
    batch: int = Field(default=50, ge=1)
    per_second: float = Field(default=20.0, gt=0)
    attempts: int = Field(default=3, ge=1)
    retry_after_seconds: float = Field(default=30.0, ge=0)
    batches_before_continuing: int = Field(default=150, ge=1)
    attempt: int = 1
    """Where to go on: 1 walks all open tickets, later ones those that failed."""


class BatchRequest(Message):
    """The next tickets of a publication: all open ones (`attempt` 1), or those that failed in fewer attempts."""

    publication: str
    attempt: int
    size: int


class BatchDone(Message):
    """The number of tickets taken, and whether this attempt has more."""

    taken: int
    more: bool
    failed: int = 0
