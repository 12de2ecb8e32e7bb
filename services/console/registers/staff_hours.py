"""Hours in which members of staff are reached by what is not urgent: their own week as a form, and in words, with where
it comes from (semantics.md 23)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from services.console.forms.fields import Field
from services.console.forms.values import Typed
from services.console.promises import calendar_forms
from services.console.promises.calendar_forms import WEEKDAYS
from services.console.public_api.directory_names import KnownDirectory
from services.console.public_api.titles import Titles
from services.runtime.pages.forms import Form
from services.wording import Words

_ZONE = "time_zone"
FIELDS = (
    *(Field(f"hours.{day}", most=200, word=("weekday", day)) for day in WEEKDAYS),
    Field(_ZONE, most=100, source="zones"),
)

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Reached:
    """Hours in which somebody is reached, and by whose word: `own`, `department`, `quiet` or `promise`."""

    source: str
    text: str


def read(form: Form, zone: ZoneInfo, words: Words) -> tuple[dict[str, Any], dict[str, str]]:
    """The week and its zone as the API takes them, and what cannot be read; nothing typed is no hours. Hours without a
    zone are kept in `zone`."""
    week: dict[str, dict[str, str]] = {}
    errors: dict[str, str] = {}
    for day in WEEKDAYS:
        try:
            week[day] = calendar_forms.read(form.one(f"hours.{day}"))
        except ValueError:
            errors[f"hours.{day}"] = words.text("calendars.wrong_hours")
    hours = {day: its for day, its in week.items() if its}
    given = form.one(_ZONE)
    return {"hours": hours or None, "time_zone": given or (zone.key if hours else None)}, errors


def standing(entry: Entry) -> dict[str, list[str]]:
    """The fields before anybody types."""
    hours: Mapping[str, Mapping[str, str]] = entry.get("hours") or {}
    week = {f"hours.{day}": [calendar_forms.written(hours.get(day, {}))] for day in WEEKDAYS}
    return {**week, _ZONE: [entry.get("time_zone") or ""]}


def is_filled(typed: Typed) -> bool:
    """Whether there is something to see: hours, a mistake, or what somebody else stored. Then the form is unfolded."""
    return any(typed.value(each.name) or typed.error(each.name) or each.name in typed.now for each in FIELDS)


def reached(entry: Entry, directory: KnownDirectory, quiet: Entry | None, titles: Titles, words: Words) -> Reached:
    """Tell when a member of staff is reached, outside of shifts; `quiet` are the quiet hours of the staff."""
    if entry.get("hours"):
        return Reached("own", f"{_in_words(entry['hours'], words)} ({entry['time_zone']})")
    department = directory.departments.get(entry.get("department") or "", {})
    if department.get("calendar"):
        calendar = titles.calendar(department["calendar"])
        return Reached("department", words.text("people.hours.department", calendar=calendar))
    if quiet:
        span = f"{quiet['from']}–{quiet['to']} ({quiet['time_zone']})"
        return Reached("quiet", words.text("people.hours.quiet", span=span))
    return Reached("promise", words.text("people.hours.promise"))


def _in_words(hours: Mapping[str, Mapping[str, str]], words: Words) -> str:
    """A week by stretches of like days: `Mon–Fri 09:00–18:00; Sat 09:00–12:00`."""
    days = [(day, calendar_forms.written(hours.get(day, {}))) for day in WEEKDAYS]
    stretches = [(text, [day for day, _ in its]) for text, its in groupby(days, key=lambda each: each[1]) if text]
    return "; ".join(f"{_stretch(its, words)} {text}" for text, its in stretches)


def _stretch(days: Sequence[str], words: Words) -> str:
    first, last = (words.of("weekday", day) for day in (days[0], days[-1]))
    return first if first == last else f"{first}–{last}"
