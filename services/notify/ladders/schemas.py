"""Ladders, and what they would do, as the API shows them."""

from pydantic import Field

from services.contracts.alert import Rung, Threshold
from services.contracts.base import Code, Instant, Message, Titles
from services.contracts.page import Page
from services.contracts.vocabulary import ClockName, Urgency
from services.notify.ladders.ladders import Climbs, LadderDraft
from services.notify.ladders.store import StoredLadder


class LadderBody(LadderDraft):
    """The body of `PUT /v1/ladders/{id}`: one entry of `ladders.yaml`, and its title. `id`, `version`, `created_at` and
    `created_by`, where given, are what was read and are not stored."""

    created_at: Instant | None = None
    created_by: str | None = None


class LadderView(Message):
    """One version of a ladder. Steps are written as in `ladders.yaml`: `owner or clerks + department_head`."""

    id: str
    version: int = Field(description="0 is the built-in one.")
    title: Titles
    breach: Climbs
    low_rating: Climbs
    created_at: Instant | None
    created_by: str | None


class LadderPage(Page[LadderView]):
    """The latest version of every ladder."""


class LadderVersion(Message):
    """A version's author and instant; nobody wrote version 0."""

    version: int
    created_at: Instant | None
    created_by: str | None


class LadderVersions(Page[LadderVersion]):
    """Every version, newest first."""


class PlannedRecipient(Message):
    """Somebody whom a step would tell. An owner whom the question did not name is null."""

    staff: str | None
    name: str | None = Field(description="For those who may read the directory.")
    rung: Rung
    waits_until: Instant | None = Field(
        description="When they are reached again; they are not told at this step, because somebody else is."
    )


class PlannedStep(Message):
    """One step that tells somebody, if nobody has acknowledged until then."""

    round: int
    level: int
    after: str = Field(description="How long after the alert was raised.")
    at: Instant
    rungs: tuple[tuple[Rung, ...], ...] = Field(description="Told together; of each, the first that finds somebody.")
    told: tuple[PlannedRecipient, ...]
    note: str | None = Field(
        description="`waited_for_hours`: nobody was reached when it was due; `steps_passed_over`: steps before it "
        "found or reached nobody; `administrators`: a whole round found nobody else; `nobody`: not even them."
    )


class LadderPlan(Message):
    """The plan of who is told when of an alert that is raised at an instant, as far as it is known today."""

    ladder: str
    version: int
    threshold: Threshold
    clock: ClockName | None
    urgency: Urgency
    calendar: Code = Field(description="When whoever has no hours of their own is reached by what is not urgent.")
    at: Instant
    acknowledged_for: str | None
    rounds: int
    items: tuple[PlannedStep, ...]
    truncated: bool = Field(description="Whether there are more steps than are shown.")
    ends_after: str | None = Field(description="When the last round ends without an answer; null where it is cut off.")


def ladder_view(stored: StoredLadder) -> LadderView:
    """Show a version."""
    return LadderView.model_validate(stored, from_attributes=True)
