"""The days on the way of a clock that its weekly hours do not tell: holidays, make-up days, other hours, breaks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.promises import statutory
from services.promises.days import text_of
from services.promises.drafts import DayKind, LocalHours

_DAY = timedelta(days=1)
_MOST_DAYS = 366
"""Nobody reads further; a longer way is told up to here."""
_TOLD = frozenset({DayKind.HOLIDAY, DayKind.MAKE_UP, DayKind.SHIFT})


@dataclass(frozen=True, slots=True)
class Span:
    """Days in a row of one kind and name; `kind` None is a break in a day's hours, at `times`."""

    first: date
    last: date
    kind: DayKind | None
    name: Mapping[str, str] | None = None
    times: str = ""


def special_days(hours: LocalHours, first: date, last: date) -> Iterator[Span]:
    """From `first` to `last`, both included, in order. Holidays with nothing but days off between them are one span."""
    open_: Span | None = None
    for span in _single_days(hours, first, min(last, first + _MOST_DAYS * _DAY)):
        if open_ is not None and _goes_on(open_, span, hours):
            open_ = replace(open_, last=span.last, name=_shorter(open_.name, span.name))
            continue
        if open_ is not None:
            yield open_
        open_ = span
    if open_ is not None:
        yield open_


def _single_days(hours: LocalHours, first: date, last: date) -> Iterator[Span]:
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        kind, _ = hours.planned(day)
        if kind in _TOLD:
            yield Span(day, day, kind, _name(hours, day))
        if breaks := hours.breaks.get(day):
            yield Span(day, day, None, times=", ".join(f"{begins}–{ends}" for begins, ends in text_of(breaks)))


def _goes_on(open_: Span, span: Span, hours: LocalHours) -> bool:
    if open_.kind is not DayKind.HOLIDAY or span.kind is not DayKind.HOLIDAY:
        return False
    between = (open_.last + number * _DAY for number in range(1, (span.first - open_.last).days))
    return all(hours.planned(day)[0] is DayKind.CLOSED for day in between)


def _shorter(one: Mapping[str, str] | None, other: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """The festival's own name: longer ones say which of its days is made up for where."""
    if one is None or other is None:
        return one or other
    return {language: min(name, other.get(language, name), key=len) for language, name in one.items()}


def _name(hours: LocalHours, day: date) -> Mapping[str, str] | None:
    return statutory.names(hours.country, day.year).get(day) if hours.country else None
