"""The forms of a calendar: hours as people write them, "09:00-12:00, 13:30-18:00", and the draft they amount to."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import available_timezones

from services.console.forms.values import Typed, everything
from services.runtime.pages.forms import Form
from services.wording import LANGUAGES, Words

ZONES = sorted(available_timezones())
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
USUAL, HOLIDAY, WORKING = "usual", "holiday", "working"
MOST_DAYS = 62
"""How many days in a row one form may set: a summer's closure, not a typing error in the year."""

_STORED = ("title", "time_zone", "country", "official_until", "hours", "shifts", "holidays", "breaks")
_INTERVAL = re.compile(r"(\d{1,2})[:：](\d{2})\s*(?:-|–|—|~|～|至|到|to)\s*(\d{1,2})[:：](\d{2})")
_BETWEEN = re.compile(r"[\s,，、;；]*")

Draft = dict[str, Any]
Hours = Mapping[str, str]


def draft_of(calendar: Mapping[str, Any]) -> Draft:
    """The part of a stored calendar that is stored again: without what the service itself tells of a version."""
    return {name: calendar[name] for name in _STORED if calendar.get(name) is not None}


def written(hours: Hours) -> str:
    """Intervals as `read` understands them."""
    return ", ".join(f"{start}–{end}" for start, end in sorted(hours.items()))


def read(text: str) -> dict[str, str]:
    """The intervals that somebody wrote, by their start; of two that start together the longer one counts.

    Raises:
        ValueError: something in it is no interval.
    """
    if _BETWEEN.sub("", _INTERVAL.sub("", text)):
        raise ValueError(text)
    found: dict[str, str] = {}
    for hour, minute, last_hour, last_minute in _INTERVAL.findall(text):
        start, end = f"{int(hour):02}:{minute}", f"{int(last_hour):02}:{last_minute}"
        found[start] = max(end, found.get(start, ""))
    return found


def standing_day(calendar: Mapping[str, Any], day: str, usual: Hours) -> Typed:
    """The form of a day before anybody types; `usual` are hours to begin with where it has none."""
    own = calendar["shifts"].get(day)
    closed = day in calendar["holidays"] or own == {}
    kind = HOLIDAY if closed else USUAL if own is None else WORKING
    return Typed(
        {
            "kind": [kind],
            "hours": [written(own or usual)],
            "breaks": [written(calendar["breaks"].get(day, {}))],
            "until": [day],
        }
    )


def with_day(calendar: Mapping[str, Any], day: date, form: Form, words: Words) -> tuple[Draft, Typed]:
    """The draft with this day, and those up to `until`, as the form says; and what cannot be read of the form."""
    errors: dict[str, str] = {}
    kind = form.one("kind")
    hours, breaks = (_read(form, name, errors, words) for name in ("hours", "breaks"))
    until = _until(form, day, errors, words)
    if kind == WORKING and not hours and "hours" not in errors:
        errors["hours"] = words.text("form.required")
    draft = draft_of(calendar)
    days = [each.isoformat() for each in _days(day, until)]
    others = {part: {key: value for key, value in draft[part].items() if key not in days} for part in _DATED}
    draft["shifts"] = {**others["shifts"], **(dict.fromkeys(days, hours) if kind == WORKING else {})}
    draft["breaks"] = {**others["breaks"], **(dict.fromkeys(days, breaks) if breaks else {})}
    closed = set(draft["holidays"]) - set(days) | (set(days) if kind == HOLIDAY else set())
    draft["holidays"] = sorted(closed)
    return draft, Typed(everything(form), errors)


def standing(calendar: Mapping[str, Any]) -> Typed:
    """The form of a calendar's week, zone and country before anybody types."""
    title = calendar.get("title") or {}
    return Typed(
        {
            **{f"title.{each}": [title.get(each, "")] for each in LANGUAGES},
            **{f"hours.{each}": [written(calendar["hours"].get(each, {}))] for each in WEEKDAYS},
            **{each: [calendar.get(each) or ""] for each in ("time_zone", "country", "official_until")},
        }
    )


def with_settings(calendar: Mapping[str, Any], form: Form, words: Words) -> tuple[Draft, Typed]:
    """The draft with the week, zone and country that the form says; and what cannot be read of the form."""
    errors: dict[str, str] = {}
    week = {each: _read(form, f"hours.{each}", errors, words) for each in WEEKDAYS}
    country, until = form.one("country").upper(), form.one("official_until")
    # The date that stood in the form was the former country's.
    moved = country != (calendar.get("country") or "") and until == (calendar.get("official_until") or "")
    optional = {"country": country, "official_until": "" if moved else until}
    kept = {name: value for name, value in draft_of(calendar).items() if name not in optional}
    draft = {
        **kept,
        **{name: value for name, value in optional.items() if value},
        "title": {each: form.one(f"title.{each}") for each in LANGUAGES if form.one(f"title.{each}")},
        "time_zone": form.one("time_zone"),
        "hours": {each: hours for each, hours in week.items() if hours},
    }
    return draft, Typed(everything(form), errors)


def day_field(pointer: str) -> str:
    """The field of a day's form that a pointer into the draft stands for."""
    return {"shifts": "hours", "breaks": "breaks", "holidays": "kind"}.get(pointer.strip("/").split("/")[0], "")


def settings_field(pointer: str) -> str:
    """The field of the settings' form that a pointer into the draft stands for."""
    parts = pointer.strip("/").split("/")
    return ".".join(parts[:2]) if parts[0] in {"hours", "title"} else parts[0]


_DATED = ("shifts", "breaks")


def _read(form: Form, name: str, errors: dict[str, str], words: Words) -> dict[str, str]:
    try:
        return read(form.one(name))
    except ValueError:
        errors[name] = words.text("calendars.wrong_hours")
        return {}


def _until(form: Form, day: date, errors: dict[str, str], words: Words) -> date:
    given = form.one("until")
    try:
        until = date.fromisoformat(given) if given else day
    except ValueError:
        errors["until"] = words.text("form.wrong.date")
        return day
    if not day <= until < day + timedelta(days=MOST_DAYS):
        errors["until"] = words.text("calendars.wrong_until", most=MOST_DAYS)
        return day
    return until


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
