"""Faults of a policy before it is stored: nothing in it may fail later, on a ticket (product.md 5).

When a clock starts and stops is the clock's own matter; a policy decides for whom, how long, by which hours, and what
pauses it. So a clock can be written that never starts, pauses or warns, and those are found here. Errors are what can
never work; what depends on other policies and their order, which can change, is a warning.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.contracts.durations import Duration, Measure, parse_duration
from services.contracts.policy import ClockRule, Policy, PolicyDraft
from services.contracts.vocabulary import ClockName, Kind, Urgency, WaitReason
from services.promises.calendars import Calendar, CalendarExhausted
from services.promises.clocks import duration_of, warnings_at
from services.promises.coverage import can_hold
from services.promises.faults import Fault
from services.promises.order import order_faults

_MUST_PASS = ("information_wait", "callback_retry_after", "open_question_response", "survey_expires_after")
_MAY_BE_ZERO = ("reopen_window", "survey_reminder_after")
_STARTS = tuple(timedelta(hours=21 * number) for number in range(8))
"""Starts of a clock over a week, at other times of the day each."""

_CAN_PAUSE: Mapping[ClockName, Collection[WaitReason]] = {
    ClockName.ACCEPTANCE: (WaitReason.CUSTOMER,),
    ClockName.INFORMATION_REQUEST: (),
    ClockName.CALLBACK: (WaitReason.APPOINTMENT,),
    ClockName.SECOND_CALLBACK: (WaitReason.APPOINTMENT,),
}
"""What a ticket can wait for while the clock lives, where that is not everything: before acceptance only for the
customer, once resolved only for an appointment; asking for information meets its own clock."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The surroundings that a policy is checked against. None stands for what could not be asked.

    `earlier` and `later` are the policies in force around its place in the order, without its own versions.
    """

    calendars: Mapping[str, Calendar]
    at: datetime
    departments: Collection[str] | None = None
    ladders: Collection[str] | None = None
    questionnaires: Collection[str] | None = None
    earlier: Sequence[Policy] = ()
    later: Sequence[Policy] = ()


def lint(policy: PolicyDraft, surroundings: Surroundings) -> tuple[Fault, ...]:
    """Everything wrong with a policy, in the order of its fields."""
    return (
        *_unknown_names(policy, surroundings),
        *_conditions(policy),
        *order_faults(policy, surroundings.earlier, surroundings.later),
        *(fault for name, rule in policy.clocks.items() for fault in _clock(policy, name, rule, surroundings)),
        *_settings(policy, surroundings),
    )


def _unknown_names(policy: PolicyDraft, known: Surroundings) -> Iterator[Fault]:
    for pointer, id_ in _calendars_named(policy):
        if id_ not in known.calendars:
            yield Fault(pointer, "unknown_calendar", {"id": id_})
    departments = [(f"/calendars/{id_}", id_) for id_ in policy.calendars]
    departments += [
        (f"/applies/{number}/department/{place}", id_)
        for number, condition in enumerate(policy.applies)
        for place, id_ in enumerate(condition.department or ())
    ]
    yield from _unknown(departments, known.departments, "department", "directory")
    yield from _unknown([("/questionnaire", policy.questionnaire)], known.questionnaires, "questionnaire", "survey")
    ladders = [(f"/clocks/{name}/ladder", rule.ladder) for name, rule in policy.clocks.items()]
    yield from _unknown(ladders, known.ladders, "ladder", "notify")


def _unknown(
    named: Sequence[tuple[str, str]], known: Collection[str] | None, what: str, service: str
) -> Iterator[Fault]:
    """One warning is enough for everything that could not be asked for."""
    if known is None:
        unchecked = ", ".join(sorted({id_ for _, id_ in named}))
        yield from (Fault(pointer, "not_checked", {"what": unchecked, "service": service}) for pointer, _ in named[:1])
        return
    for pointer, id_ in named:
        if id_ not in known:
            yield Fault(pointer, f"unknown_{what}", {"id": id_})


def _conditions(policy: PolicyDraft) -> Iterator[Fault]:
    for number, condition in enumerate(policy.applies):
        if not can_hold(condition):
            yield Fault(f"/applies/{number}", "condition_never_holds")


def _clock(policy: PolicyDraft, name: ClockName, rule: ClockRule, known: Surroundings) -> Iterator[Fault]:
    pointer = f"/clocks/{name}"
    if name is ClockName.SECOND_CALLBACK and not _may_be(policy, Kind.COMPLAINT):
        yield Fault(pointer, "never_starts", {
            "why": "only complaints get a second callback, and no condition takes complaints",
            "why_zh": "只有投诉才有二次回访，而适用条件不包含投诉"})  # fmt: skip
    yield from _targets(pointer, rule)
    yield from _lengths(policy, _written(f"{pointer}/target", rule), known)
    yield from _pauses(pointer, name, rule)
    yield from _warnings(policy, pointer, rule, known)


def _targets(pointer: str, rule: ClockRule) -> Iterator[Fault]:
    written = _written(f"{pointer}/target", rule)
    if not written:
        yield Fault(f"{pointer}/target", "promises_nothing")
    elif not isinstance(rule.target, str) and "*" not in rule.target:
        for urgency in Urgency:
            if urgency not in rule.target:
                yield Fault(f"{pointer}/target", "urgency_without_target", {"urgency": urgency})
    for place, text in written:
        if _is_zero(parse_duration(text)):
            yield Fault(place, "zero_duration")


def _lengths(policy: PolicyDraft, written: Sequence[tuple[str, str]], known: Surroundings) -> Iterator[Fault]:
    """A length must end on each calendar that the policy counts by."""
    for pointer, text in written:
        for id_ in dict.fromkeys(id_ for _, id_ in _calendars_named(policy)):
            calendar = known.calendars.get(id_)
            if calendar is not None and not _ends(text, calendar, known.at):
                yield Fault(pointer, _why_without_end(calendar, known.at, text), {"id": id_})


def _pauses(pointer: str, name: ClockName, rule: ClockRule) -> Iterator[Fault]:
    possible = _CAN_PAUSE.get(name, tuple(WaitReason))
    for number, reason in enumerate(rule.paused_by or ()):
        if reason not in possible:
            yield Fault(f"{pointer}/paused_by/{number}", "never_pauses", {"reason": reason})
    yield from _repeated(f"{pointer}/paused_by", rule.paused_by or ())


def _warnings(policy: PolicyDraft, pointer: str, rule: ClockRule, known: Surroundings) -> Iterator[Fault]:
    yield from _repeated(f"{pointer}/warn_at", rule.warn_at)
    calendar = known.calendars.get(policy.calendar)
    targets = [duration_of(text) for _, text in _written("", rule)]
    if calendar is None or not targets:
        return
    for number, ahead in enumerate(rule.warn_at):
        if isinstance(ahead, str) and not any(_warns(ahead, target, calendar, known.at) for target in targets):
            yield Fault(f"{pointer}/warn_at/{number}", "warning_never_fires", {"ahead": ahead})


def _warns(ahead: str, target: Duration, calendar: Calendar, at: datetime) -> bool:
    try:
        return any(
            warnings_at((ahead,), start, calendar.add(start, target), target, (), calendar)
            for start in (at + later for later in _STARTS)
        )
    except CalendarExhausted:
        return True  # told as a length without an end


def _settings(policy: PolicyDraft, known: Surroundings) -> Iterator[Fault]:
    settings = policy.settings
    passing = [(f"/settings/{name}", str(getattr(settings, name))) for name in _MUST_PASS]
    for pointer, text in passing:
        if _is_zero(parse_duration(text)):
            yield Fault(pointer, "zero_duration")
    others = [(f"/settings/{name}", str(getattr(settings, name))) for name in _MAY_BE_ZERO]
    yield from _lengths(policy, [*passing, *others], known)
    yield from _repeated("/settings/information_reminders", settings.information_reminders)
    if _is_not_before(settings.survey_reminder_after, settings.survey_expires_after, policy, known):
        yield Fault("/settings/survey_reminder_after", "reminder_after_end")


def _is_not_before(earlier: str, later: str, policy: PolicyDraft, known: Surroundings) -> bool:
    calendar = known.calendars.get(policy.calendar)
    if calendar is None:
        return False
    try:
        return calendar.add(known.at, duration_of(earlier)) >= calendar.add(known.at, duration_of(later))
    except CalendarExhausted:
        return False


def _repeated(pointer: str, entries: Sequence[object]) -> Iterator[Fault]:
    seen = set[object]()
    for number, entry in enumerate(entries):
        if entry in seen:
            yield Fault(f"{pointer}/{number}", "repeated")
        seen.add(entry)


def _may_be(policy: PolicyDraft, kind: Kind) -> bool:
    return not policy.applies or any(each.kind is None or kind in each.kind for each in policy.applies)


def _written(pointer: str, rule: ClockRule) -> list[tuple[str, str]]:
    if isinstance(rule.target, str):
        return [(pointer, rule.target)]
    return [(f"{pointer}/{urgency}", text) for urgency, text in rule.target.items() if text is not None]


def _calendars_named(policy: PolicyDraft) -> list[tuple[str, str]]:
    return [
        ("/calendar", policy.calendar),
        *((f"/calendars/{id_}", it) for id_, it in policy.calendars.items()),
    ]


def _is_zero(duration: Duration) -> bool:
    return not duration.length and not duration.days


def _ends(text: str, calendar: Calendar, at: datetime) -> bool:
    try:
        calendar.add(at, duration_of(text))
    except CalendarExhausted:
        return False
    return True


def _why_without_end(calendar: Calendar, at: datetime, text: str) -> str:
    shortest = Duration(Measure.WORKING_TIME, length=timedelta(microseconds=1))
    try:
        calendar.add(at, shortest)
    except CalendarExhausted:
        return "calendar_never_opens" if duration_of(text).is_working else "calendar_exhausted"
    return "calendar_exhausted"
