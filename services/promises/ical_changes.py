"""Events that change one repetition of a series (RFC 5545, 3.8.4.4): the series goes without it, they stand alone."""

from collections.abc import Sequence
from dataclasses import replace

from services.promises.ical_events import PassedOver, Why
from services.promises.ical_lines import Component, moment

_EXCEPTIONS = "EXDATE"
_CHANGED = "RECURRENCE-ID"


def is_change(event: Component) -> bool:
    """Whether an event stands for one repetition of another event with its UID."""
    return event.line(_CHANGED) is not None


def check_change(event: Component) -> None:
    """Accept an event that changes exactly one repetition of a series that it names.

    Raises:
        PassedOver: it changes the following ones as well, or does not say which series or which date.
    """
    if not event.text("UID"):
        raise PassedOver(Why.NO_SERIES)
    changed = event.line(_CHANGED)
    if event.line("RRULE") or event.line("RDATE") or (changed and "RANGE" in changed.parameters):
        raise PassedOver(Why.OVERRIDE)
    try:
        changed and moment(changed)
    except ValueError as error:
        raise PassedOver(Why.UNDATED) from error


def without_changed(events: Sequence[Component]) -> list[Component]:
    """The events, each series without the repetitions that others stand for."""
    changed: dict[str, list[Component]] = {}
    for event in events:
        if is_change(event) and _is_accepted(event):
            changed.setdefault(event.text("UID"), []).append(event)
    return [event if is_change(event) else _without(event, changed.get(event.text("UID"), ())) for event in events]


def _is_accepted(event: Component) -> bool:
    try:
        check_change(event)
    except PassedOver:
        return False
    return True


def _without(series: Component, changes: Sequence[Component]) -> Component:
    if not changes:
        return series
    exceptions = [*series.properties.get(_EXCEPTIONS, ()), *(each.properties[_CHANGED][0] for each in changes)]
    return replace(series, properties={**series.properties, _EXCEPTIONS: exceptions})
