"""What must be right before a policy is published: nothing in it may fail later, on a ticket."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.contracts.policy import ClockRule, PolicyDraft
from services.promises.calendars import Calendar, CalendarExhausted
from services.promises.clocks import duration_of


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One thing wrong; `pointer` is a JSON pointer into the policy."""

    pointer: str
    code: str
    message: str


def policy_faults(policy: PolicyDraft, calendars: Mapping[str, Calendar], at: datetime) -> tuple[PolicyFault, ...]:
    """Why `policy` cannot be published: an unknown calendar, or a duration past the calendar's end from `at`."""
    calendar = calendars.get(policy.calendar)
    if calendar is None:
        return (PolicyFault("/calendar", "unknown_calendar", "there is no calendar of this id"),)
    return tuple(
        PolicyFault(pointer, "calendar_exhausted", "the calendar has no opening time that far ahead")
        for pointer, text in _durations(policy)
        if not _is_reachable(text, calendar, at)
    )


def _durations(policy: PolicyDraft) -> Iterator[tuple[str, str]]:
    for name, rule in policy.clocks.items():
        yield from _targets(f"/clocks/{name}/target", rule)
    for setting in ("information_wait", "reopen_window", "callback_retry_after", "survey_reminder_after",
                 "survey_expires_after"):  # fmt: skip
        yield f"/settings/{setting}", getattr(policy.settings, setting)


def _targets(pointer: str, rule: ClockRule) -> Iterator[tuple[str, str]]:
    if isinstance(rule.target, str):
        yield pointer, rule.target
        return
    for urgency, text in rule.target.items():
        if text is not None:
            yield f"{pointer}/{urgency}", text


def _is_reachable(text: str, calendar: Calendar, at: datetime) -> bool:
    try:
        calendar.add(at, duration_of(text))
    except CalendarExhausted:
        return False
    return True
