"""Bodies of the endpoints of previews and publications."""

from typing import Literal

from pydantic import Field, model_validator

from services.contracts.base import Instant, Message, Unreadable
from services.contracts.page import Page
from services.contracts.publication import PublicationState, SubjectKind
from services.contracts.vocabulary import ClockName
from services.workflow.policies.calendar_schemas import CalendarBody
from services.workflow.policies.policy_schemas import PolicyBody
from services.workflow.publications.effects import Effect
from services.workflow.views.schemas import FromTo


class ItemsAsked(Message):
    """The part of a preview's list that is answered."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=1000)


class PolicyPreview(Message):
    """A stored version (the latest without one), or a policy that is not stored yet."""

    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    policy: PolicyBody | None = None
    items: ItemsAsked = ItemsAsked()

    @model_validator(mode="after")
    def _name_one(self) -> "PolicyPreview":
        _refuse_both(self.version, self.policy)
        return self


class CalendarPreview(Message):
    """A stored version (the latest without one), or a calendar that is not stored yet."""

    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    calendar: CalendarBody | None = None
    items: ItemsAsked = ItemsAsked()

    @model_validator(mode="after")
    def _name_one(self) -> "CalendarPreview":
        _refuse_both(self.version, self.calendar)
        return self


class Publish(Message):
    """The version to put in force (the latest without one), and whether open tickets are recalculated by it."""

    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    recalculate: bool = False


class Retry(Message):
    """Nothing more is to be said."""


class SubjectView(Message):
    """One version of a policy or a calendar."""

    kind: SubjectKind
    id: str
    version: int


class FiguresView(Message):
    """Numbers of tickets and clocks that would be affected. Each clock is `earlier`, `later`, `unchanged`, `excused`,
    `promised` or `no_longer_promised`; those that would be late at once are counted as `new_breaches` besides."""

    of: int = Field(description="How many tickets there are.")
    looked_at: int = Field(description="How many of them were looked at; all, unless `truncated`.")
    tickets: int = Field(description="Tickets with clocks to count.")
    affected: int
    clocks: int
    earlier: int
    later: int
    unchanged: int
    new_breaches: int
    excused: int
    promised: int
    no_longer_promised: int
    largest_shift_seconds: int | None = Field(description="Below zero when the clock would be due earlier.")
    median_shift_seconds: int | None = Field(description="Of the clocks that would move.")
    truncated: bool = Field(description="There was no time to look at all; the latest were.")


class PastView(FromTo, FiguresView):
    """The same for the finished clocks of tickets received in a span of time: which verdicts would have differed."""

    from_: Instant = Field(alias="from")
    to: Instant


class MoveView(Message):
    """One clock that would be affected. A paused one has no due time; its shift is as if it ran again now."""

    ticket_no: str
    cycle: int
    clock: ClockName
    round: int
    open: bool
    due_from: Instant | None
    due_to: Instant | None
    shift_seconds: int | None
    effect: Effect


class PreviewView(Message):
    """A preview of publishing, with recalculation, as of `at`; nothing is stored."""

    subject: SubjectView
    at: Instant
    open: FiguresView
    past: PastView
    items: tuple[MoveView, ...]
    next_cursor: str | None


class PublicationView(Message):
    """A publication; `done` tickets live by what was published, `failed` ones could not be reached yet."""

    id: str
    subject: SubjectView
    recalculate: bool
    state: PublicationState
    requested_by: str
    requested_at: Instant
    finished_at: Instant | None
    total: int
    done: int
    changed: int
    excused: int
    failed: int


class PublicationPage(Page[PublicationView]):
    """A page of publications, the latest first."""


class ClockChange(Message):
    """One clock of a recalculated ticket; null is no due time: paused, or not promised."""

    clock: ClockName
    cycle: int
    round: int
    due_from: Instant | None
    due_to: Instant | None
    excused: bool = Field(description="Its breach would not have been; the breach stays on record.")


class TicketChange(Message):
    """A publication's change of one ticket, or why it could not change it."""

    ticket_no: str
    at: Instant
    changes: tuple[ClockChange, ...]
    error: Literal["engine_unavailable", "no_workflow", "always_changing", "not_computable", "came_late"] | None


class TicketChangePage(Page[TicketChange]):
    """A page of what a publication did."""


def _refuse_both(version: int | None, draft: object) -> None:
    if version is not None and draft is not None:
        raise Unreadable(
            zh="请指定已保存的版本或直接给出要试算的内容，不能两者都给",
            en="name a stored version, or give what is to be tried, not both",
        )
