"""A ticket's state inside its workflow.

Nothing here is a personal datum or free text: the state lives in workflow histories.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from services.contracts.base import Code, Instant, Message, Record, Word
from services.contracts.copies import JoinedCopy
from services.contracts.durations import DurationText
from services.contracts.policy import PolicySnapshot, Share, SharedPolicy
from services.contracts.vocabulary import (
    CallbackChannel,
    CallbackOutcome,
    Category,
    Cause,
    Channel,
    ClockName,
    ClockState,
    CloseReason,
    Kind,
    Phase,
    Priority,
    Result,
    ServiceStage,
    Status,
    Tier,
    Urgency,
    WaitReason,
)

RULES = 1
"""The rules that a new ticket lives by. A ticket keeps those of its receipt to its end, so that its history replays."""


def _released(rules: int) -> int:
    """Higher numbers are of before the first release, whose rules are the first."""
    return min(rules, RULES)


class Segment(Record):
    """A stretch of a clock's ledger; the last one of a live clock is open (`to_at` None). No reasons: it ran."""

    from_at: Instant
    to_at: Instant | None = None
    reasons: tuple[WaitReason, ...] = ()


class Clock(Record):
    """One promise: its ledger, its due time, its verdict (semantics.md 6 to 12).

    `round` counts restarts of the same clock in one cycle (progress, later callback attempts). `unscheduled` tells
    that the next `record` must compute the due time; of a clock that stands still, that it must pin the calendar's
    version. `promised_at` is a date that a person promised (18) or an appointment's end (9): it stands in for the
    target. `due_at` is None while paused or unscheduled.
    """

    name: ClockName
    cycle: int
    round: int = 1
    state: ClockState = ClockState.RUNNING
    started_at: Instant
    target: DurationText
    calendar: Code
    calendar_version: int | None = None
    policy: Code
    policy_version: int
    priority: Priority
    warn_rule: tuple[Share | DurationText, ...] = ()
    ladder: Code = "default"
    segments: list[Segment]
    due_at: Instant | None = None
    warn_at: tuple[Instant, ...] = ()
    warned: int = 0
    promised_at: Instant | None = None
    by_promise: bool = False
    """There is a promised date and no target of a policy: `target` is the length from the promise to its date."""
    is_retry: bool = False
    """A later callback attempt: its date is the policy's `callback_retry_after`, not the clock's target."""
    retargeted_at: Instant | None = None
    unscheduled: bool = False
    met_at: Instant | None = None
    breached_at: Instant | None = None
    detected_at: Instant | None = None
    excused_at: Instant | None = None
    """When a publication found that under what it changed the breach would not have been (19); the breach stays."""
    excused_until: Instant | None = None
    """The due time that an unmet clock is excused by; met after it, it is not excused after all."""
    ended_at: Instant | None = None
    cancel_reason: str | None = None

    @property
    def key(self) -> str:
        """Unique within the ticket."""
        return f"{self.name}/{self.cycle}/{self.round}"

    @property
    def paused_reasons(self) -> tuple[WaitReason, ...]:
        """The reasons for which the clock stands still now."""
        return self.segments[-1].reasons if self.state is ClockState.PAUSED else ()


class DeadlineName(StrEnum):
    """Instants at which the workflow acts by itself, promised to nobody."""

    INFORMATION_WAIT = "information_wait"
    REOPEN_WINDOW = "reopen_window"


class Deadline(Record):
    """`after` from `started_at`, with reminders at shares of it; the instants are computed by `record`."""

    name: DeadlineName
    started_at: Instant
    after: DurationText
    calendar: Code | None
    shares: tuple[Share, ...] = ()
    reminders: tuple[Instant, ...] = ()
    reminded: int = 0
    at: Instant | None = None


class Waiting(Record):
    """A wait in force."""

    reason: WaitReason
    since: Instant
    until: Instant | None = None


class PlanState(StrEnum):
    """State of this cycle's plan."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class TicketState(Record):
    """Everything that decides what may happen next to a ticket; serialised, it rebuilds the workflow."""

    ticket_no: str
    version: int = 0
    """Sequence number of the last journal event."""
    cycle: int = 1
    status: Status = Status.PENDING
    kind: Kind
    category: Category
    subcategory: Word | None = None
    urgency: Urgency
    priority: Priority
    tier: Tier
    channel: Channel
    service_stage: ServiceStage
    affected_count: int = 1
    safety_risk: bool = False
    complete: bool = True
    missing: tuple[str, ...] = ()
    department: Code | None = None
    department_named: bool = False
    """Whether a person gave the ticket to its department, and not the routing."""
    owner: str | None = None
    co_owners: tuple[str, ...] = ()
    complex: bool = False
    plan: PlanState | None = None
    cause: Cause | None = None
    tags: tuple[Word, ...] = ()
    waits: list[Waiting] = Field(default_factory=list)
    clocks: list[Clock] = Field(default_factory=list)
    deadlines: list[Deadline] = Field(default_factory=list)
    unexplained: list[str] = Field(default_factory=list)
    """Keys of breached clocks whose reason nobody has noted yet."""
    owed_reasons: list[str] = Field(default_factory=list)
    """Those of them that an owner missed: the owner's next step needs their reason first (product.md 5)."""
    waited: list[Segment] = Field(default_factory=list)
    """The finished waits of this cycle, for a clock that is promised only later."""
    follows: str | None = None
    """The ticket whose callback left the question that this one answers."""
    followed_by: tuple[str, ...] = ()
    response_target: DurationText | None = None
    """What the response is promised in, whatever the policy says."""
    rules: Annotated[int, AfterValidator(_released)] = RULES
    generation: int = 0
    """The publication by which the ticket was last recalculated: an earlier one comes too late (semantics.md 19)."""
    received_at: Instant
    accepted_at: Instant | None = None
    accepted_by: str | None = None
    assigned_at: Instant | None = None
    responded_at: Instant | None = None
    resolved_at: Instant | None = None
    confirmed_at: Instant | None = None
    closed_at: Instant | None = None
    reopened_at: Instant | None = None
    result: Result | None = None
    confirmation: CallbackOutcome | None = None
    first_callback_satisfied: bool = False
    callback_attempts: int = 0
    """Those that count towards the policy's number of them."""
    callback_channels: tuple[CallbackChannel, ...] = ()
    """By which the vain attempts that count were made."""
    callback_counts_from: Instant | None = None
    """From when on another vain attempt counts; None before the first."""
    customer_channels: tuple[CallbackChannel, ...] = ()
    """By which the customer could be reached at the last vain attempt."""
    close_reason: CloseReason | None = None
    merged_into: str | None = None
    copies: tuple[str, ...] = ()
    """The tickets that were merged into this one."""
    joined: tuple[JoinedCopy, ...] = ()
    """Of those, and of theirs, the reports of other customers."""
    ended: bool = False
    """The reopening window is over: the workflow has returned or is about to."""

    @property
    def phase(self) -> Phase:
        """The phase that the facts amount to."""
        if self.status is Status.PENDING:
            return Phase.AWAITING_INFORMATION if self.is_waiting_for(WaitReason.CUSTOMER) else Phase.REVIEW
        if self.status is Status.PROCESSING:
            if self.waits:
                return Phase.WAITING
            return Phase.PLANNED if self.plan is PlanState.APPROVED else Phase.ASSIGNED
        if self.status is Status.RESOLVED:
            return Phase.AWAITING_SECOND_CALLBACK if self.first_callback_satisfied else Phase.AWAITING_CALLBACK
        return Phase.CLOSED

    @property
    def began_at(self) -> datetime | None:
        """The beginning of this cycle: the receipt, or the last reopening; None where nobody noted that."""
        return self.received_at if self.cycle == 1 else self.reopened_at

    @property
    def awaited_callback(self) -> ClockName:
        """The callback that comes next, or is waited for, of a resolved ticket."""
        return ClockName.SECOND_CALLBACK if self.first_callback_satisfied else ClockName.CALLBACK

    def is_waiting_for(self, reason: WaitReason) -> bool:
        """Whether the ticket waits for `reason`."""
        return any(wait.reason is reason for wait in self.waits)


class TicketStart(Message):
    """The one input of the ticket workflow: fresh from a registration, rebuilt from PostgreSQL, or continued as new."""

    state: TicketState
    policy: SharedPolicy | None
    events_before_continuing: int = Field(default=1_000, ge=1)
    """Length of a history after which the workflow continues as new; in the input, so that replays agree on it."""

    records_at_once: bool = False
    """Whether a step is first tried to be recorded within its workflow task. Runs of former releases do not; in the
    input, so that a run keeps to it without a mark in its history."""

    @classmethod
    def of(
        cls, state: TicketState, policy: PolicySnapshot | None, *, events_before_continuing: int = 1_000
    ) -> "TicketStart":
        """Begin a run of today."""
        return cls(state=state, policy=policy, events_before_continuing=events_before_continuing, records_at_once=True)

    @classmethod
    def stored(cls, state: Any, policy: Any) -> "TicketStart":
        """Read the columns `state` and `policy` of the ticket's row."""
        snapshot = PolicySnapshot.model_validate(policy) if policy else None
        return cls.of(TicketState.model_validate(state), snapshot)
