"""Differences between two versions of a calendar, in words: its zone, its week, and each date that it sets itself."""

from collections.abc import Mapping
from typing import Any

from services.console.promises.calendar_forms import WEEKDAYS, written
from services.console.promises.policies import VersionLine
from services.wording import LANGUAGES, Words

Item = Mapping[str, Any]


def differences(before: Item, after: Item, words: Words) -> list[VersionLine]:
    """Only what differs, dates last and in order; None stands for a date that a version says nothing of."""
    older, newer = _said(before, words), _said(after, words)
    general = [each for each in newer if each not in _own_dates(after)]
    dates = sorted({*_own_dates(before), *_own_dates(after)})
    lines = (VersionLine(label, older.get(label), newer.get(label)) for label in (*general, *dates))
    return [line for line in lines if line.changed]


def _said(calendar: Item, words: Words) -> dict[str, str]:
    title = calendar.get("title") or {}
    nothing = words.text("none")
    return {
        **{words.text(f"policies.title.{each}"): title.get(each) or nothing for each in LANGUAGES},
        words.text("field.time_zone"): calendar["time_zone"],
        words.text("calendars.country"): calendar.get("country") or nothing,
        words.text("calendars.official_until"): calendar.get("official_until") or words.text("calendars.by_country"),
        **{words.of("weekday", each): _hours(calendar["hours"].get(each), words) for each in WEEKDAYS},
        **{each: _on(calendar, each, words) for each in _own_dates(calendar)},
    }


def _own_dates(calendar: Item) -> set[str]:
    return {*calendar["shifts"], *calendar["holidays"], *calendar["breaks"]}


def _on(calendar: Item, day: str, words: Words) -> str:
    shift = calendar["shifts"].get(day)
    breaks = calendar["breaks"].get(day)
    parts = [
        words.of("day_kind", "holiday") if day in calendar["holidays"] else "",
        words.text("calendars.label.shift", hours=_hours(shift, words)) if shift is not None else "",
        words.text("calendars.label.break", hours=written(breaks)) if breaks else "",
    ]
    return words.text("list.and").join(part for part in parts if part)


def _hours(hours: Mapping[str, str] | None, words: Words) -> str:
    return written(hours) if hours else words.of("day_kind", "closed")
