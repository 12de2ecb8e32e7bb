"""A policy: which tickets it applies to, what it promises them, and its settings (api.md "Policy", product.md 5)."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from services.contracts.base import Code, Instant, Message, Titles
from services.contracts.durations import DurationText, WallDurationText
from services.contracts.vocabulary import Category, Channel, ClockName, Kind, Priority, Tier, Urgency, WaitReason

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Share = Annotated[float, Field(gt=0, lt=1)]
_Few = Field(max_length=50)
_Many = BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
# One error where a value is wrong, instead of one for every form that it might have had.
_BY_FORM = Discriminator(lambda value: "each" if isinstance(value, Mapping) else "one")
_BY_TEXT = Discriminator(lambda value: "length" if isinstance(value, str) else "share")
EachUrgency = Mapping[Urgency | Literal["*"], DurationText | None]
Ahead = Annotated[Annotated[Share, Tag("share")] | Annotated[DurationText, Tag("length")], _BY_TEXT]

DEFAULT_CALENDAR = "cn"
"""The calendar of a policy that names none: it ships with the packs."""

CUSTOMER_OWES = (WaitReason.CUSTOMER,)
PAUSED_BY_DEFAULT: Mapping[ClockName, tuple[WaitReason, ...]] = {
    ClockName.ACCEPTANCE: CUSTOMER_OWES,
    ClockName.INFORMATION_REQUEST: (),
    ClockName.RESPONSE: CUSTOMER_OWES,
    ClockName.PLAN: CUSTOMER_OWES,
    ClockName.PROGRESS: CUSTOMER_OWES,
    ClockName.RESOLUTION: (WaitReason.CUSTOMER, WaitReason.PARTS, WaitReason.THIRD_PARTY),
    ClockName.CALLBACK: (),
    ClockName.SECOND_CALLBACK: (),
    ClockName.CUSTOMER_WAIT: (),
}
"""What pauses each clock where its rule is silent (product.md 5). An appointment moves a callback's due time to its
end instead of pausing it (semantics.md 9)."""


class PackId(StrEnum):
    """The practice documents that ship as policy packs (product.md 5)."""

    D0 = "d0"
    D1 = "d1"
    D2 = "d2"
    D3 = "d3"
    D4 = "d4"


class Condition(Message):
    """A condition on a ticket for a policy to apply; every field named must hold, a list holds if one entry does."""

    kind: Annotated[tuple[Kind, ...], _Many] | None = None
    category: Annotated[tuple[Category, ...], _Many] | None = None
    urgency: Annotated[tuple[Urgency, ...], _Many] | None = None
    priority: Annotated[tuple[Priority, ...], _Many] | None = None
    tier: Annotated[tuple[Tier, ...], _Many] | None = None
    channel: Annotated[tuple[Channel, ...], _Many] | None = None
    department: Annotated[tuple[Code, ...], _Many] | None = None


class ClockRule(Message):
    """One promise. `target` is a duration, or one per urgency with `*` for the rest; no target is no promise."""

    target: Annotated[Annotated[DurationText, Tag("one")] | Annotated[EachUrgency, Tag("each")], _BY_FORM]
    warn_at: Annotated[tuple[Ahead, ...], _Few] = (0.75,)
    ladder: Code = "default"
    paused_by: Annotated[tuple[WaitReason, ...], _Few] | None = None

    def target_for(self, urgency: Urgency) -> str | None:
        """The duration promised at this urgency; None promises nothing."""
        if isinstance(self.target, str):
            return self.target
        return self.target[urgency] if urgency in self.target else self.target.get("*")


class SecondCallbackFrom(StrEnum):
    """The start of the second callback's clock: D3 counts from the resolution, the others from the first satisfied."""

    CONFIRMATION = "confirmation"
    RESOLUTION = "resolution"


class PolicySettings(Message):
    """A policy's settings besides its clocks."""

    information_wait: DurationText = "P5WD"
    information_reminders: Annotated[tuple[Share, ...], _Few] = (0.4, 0.8)
    """Shares of `information_wait` after which the customer is reminded."""
    reopen_window: DurationText = "P7D"
    callback_attempts: int = Field(default=3, ge=1, le=10)
    callback_retry_after: DurationText = "P1WD"
    second_callback_from: SecondCallbackFrom = SecondCallbackFrom.CONFIRMATION
    callback_record_within: WallDurationText = "PT10M"
    """How long after the call a callback is recorded in time: a mark and a figure, not a clock (product.md 5, D3)."""
    open_question_response: DurationText = "PT24H"
    """The response that a question is promised which a callback could not answer (product.md 5, D3)."""
    survey_reminder_after: DurationText = "P2D"
    survey_expires_after: DurationText = "P7D"


class PolicyDraft(Message):
    """The body of `PUT /v1/policies/{id}`. `id` and `version`, where given, are what was read and are not stored."""

    id: Code | None = None
    version: int | None = None
    title: Titles = Field(default_factory=dict)
    calendar: Code = DEFAULT_CALENDAR
    calendars: Mapping[Code, Code] = Field(default_factory=dict)
    """Calendars of departments that keep other hours, by department; every other ticket goes by `calendar`."""
    questionnaire: Code = "d0"
    applies: tuple[Condition, ...] = ()
    clocks: Mapping[ClockName, ClockRule] = Field(default_factory=dict)
    settings: PolicySettings = PolicySettings()

    def calendar_of(self, department: str | None) -> str:
        """The calendar by which a department's tickets are promised."""
        return self.calendars.get(department or "", self.calendar)


class Policy(PolicyDraft):
    """One stored version of a policy. An empty `applies` matches every ticket; no clocks promise nothing."""

    id: Code
    version: int = Field(ge=1)
    published_at: Instant | None = None


class PolicySnapshot(Message):
    """The part of a policy version that a ticket's workflow lives by."""

    id: Code
    version: int
    calendar: Code
    calendars: Mapping[Code, Code] = Field(default_factory=dict)
    clocks: Mapping[ClockName, ClockRule]
    settings: PolicySettings

    def calendar_of(self, department: str | None) -> str:
        """The calendar by which a department's tickets are promised."""
        return self.calendars.get(department or "", self.calendar)

    def paused_by(self, clock: ClockName) -> tuple[WaitReason, ...]:
        """The reasons that pause `clock` under this policy."""
        rule = self.clocks.get(clock)
        return PAUSED_BY_DEFAULT[clock] if rule is None or rule.paused_by is None else rule.paused_by


@lru_cache(maxsize=256)
def _read(text: str) -> PolicySnapshot:
    return PolicySnapshot.model_validate_json(text)


def _shared(policy: PolicySnapshot) -> PolicySnapshot:
    return _read(policy.model_dump_json())


SharedPolicy = Annotated[PolicySnapshot, AfterValidator(_shared)]
"""A snapshot that is one object wherever it says the same: thousands of tickets in a worker live by few policies."""


class CalendarDraft(Message):
    """A working calendar (semantics.md 2): local half-open intervals, an end may be `24:00`."""

    time_zone: str
    hours: Mapping[Weekday, Mapping[str, str]] = Field(default_factory=dict)
    shifts: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    holidays: tuple[str, ...] = ()
    breaks: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)


class StoredCalendar(CalendarDraft):
    """One stored version of a calendar. `country` adds its statutory holidays and make-up days; past `official_until`
    (the last date that the country has announced) due times are provisional."""

    id: Code
    version: int = Field(ge=1)
    title: Titles = Field(default_factory=dict)
    country: str | None = None
    official_until: str | None = None


class Promises(Message):
    """Promises in force: policies in the order in which they are tried, and the calendars that they name."""

    generation: int
    policies: tuple[Policy, ...]
    calendars: tuple[StoredCalendar, ...]
