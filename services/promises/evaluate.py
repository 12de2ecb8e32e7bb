"""Sums on a calendar: the messages and the answer of `POST /v1/calendars/evaluate` (api.md)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.contracts.base import Code, Instant, Message, Unreadable
from services.contracts.durations import Duration, DurationText, Measure
from services.contracts.policy import CalendarDraft
from services.promises.calendar_faults import CalendarError, CalendarErrors
from services.promises.calendars import Calendar, CalendarExhausted
from services.promises.clocks import duration_of

MAX_CHECKS = 1_000


class Move(Message):
    """The instant to which opening time leads, forwards or back."""

    op: Literal["add", "subtract"]
    at: Instant
    duration: DurationText


class Between(Message):
    """The opening time between two instants."""

    op: Literal["between"]
    at: Instant
    until: Instant


Check = Annotated[Move | Between, Field(discriminator="op")]


class EvaluateRequest(Message):
    """A calendar, given or named, and what to compute on it."""

    calendar: CalendarDraft | None = None
    calendar_id: Code | None = None
    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    """A stored version of `calendar_id`, a draft for example; without it the one in force."""
    checks: Annotated[tuple[Check, ...], Field(max_length=MAX_CHECKS)]

    @model_validator(mode="after")
    def _name_one_calendar(self) -> "EvaluateRequest":
        if (self.calendar is None) == (self.calendar_id is None):
            raise Unreadable(
                zh="请给出 `calendar` 或 `calendar_id` 其中之一", en="give either `calendar` or `calendar_id`"
            )
        if self.version is not None and self.calendar_id is None:
            raise Unreadable(zh="`version` 只能与 `calendar_id` 一起使用", en="`version` is one of `calendar_id`")
        return self


class Moved(Message):
    """The answer to `add` and `subtract`."""

    at: Instant


class Measured(Message):
    """The answer to `between`; a whole number where there are no fractions."""

    seconds: int | float


class EvaluateResponse(Message):
    """One result a check, in their order."""

    results: tuple[Moved | Measured, ...]


class CheckErrors(CalendarErrors):
    """The checks without an answer, at least one."""

    @property
    def code(self) -> str:
        """The code of the whole answer: `calendar_exhausted` when that is all that is wrong."""
        codes = {error.code for error in self.errors}
        return codes.pop() if codes == {"calendar_exhausted"} else "validation_failed"


def evaluate(calendar: Calendar, checks: Sequence[Move | Between]) -> EvaluateResponse:
    """Answer every check. Durations without a working unit count opening time here, and only here.

    Raises:
        CheckErrors: with every check that has no answer; then none is answered.
    """
    results: list[Moved | Measured] = []
    errors: list[CalendarError] = []
    for index, check in enumerate(checks):
        try:
            results.append(_answer(calendar, check, f"/checks/{index}"))
        except CalendarError as error:
            errors.append(error)
    if errors:
        raise CheckErrors(tuple(errors))
    return EvaluateResponse(results=tuple(results))


def _answer(calendar: Calendar, check: Move | Between, pointer: str) -> Moved | Measured:
    try:
        return _measure(calendar, check, pointer) if isinstance(check, Between) else _move(calendar, check)
    except CalendarExhausted as error:
        raise CalendarError(pointer, "calendar_exhausted") from error


def _move(calendar: Calendar, check: Move) -> Moved:
    duration = _as_opening_time(duration_of(check.duration))
    return Moved(at=(calendar.add if check.op == "add" else calendar.subtract)(check.at, duration))


def _measure(calendar: Calendar, check: Between, pointer: str) -> Measured:
    if check.until < check.at:
        raise CalendarError(f"{pointer}/until", "until_before_at")
    return Measured(seconds=_seconds(calendar.between(check.at, check.until)))


def _as_opening_time(duration: Duration) -> Duration:
    return duration if duration.is_working else Duration(Measure.WORKING_TIME, length=duration.length)


def _seconds(length: timedelta) -> int | float:
    seconds = length.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds
