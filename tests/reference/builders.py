"""Calendars and policies to live random lives under: holidays, lunch, nights, changes of the clocks, departments."""

import random
from datetime import UTC, datetime
from typing import Any

from services.contracts.policy import CalendarDraft, Condition, Policy, StoredCalendar
from services.contracts.vocabulary import ClockName

WORKDAY = {"09:00": "12:00", "13:30": "18:00"}
OFFICE = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), WORKDAY)
NIGHT, WHOLE_DAY = {"00:00": "06:00", "22:00": "24:00"}, {"00:00": "24:00"}
NIGHTS = dict.fromkeys(("mon", "tue", "wed", "thu", "sat", "sun"), NIGHT)
EVERY_DAY = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), WHOLE_DAY)

STARTS = tuple(
    datetime.fromisoformat(written).astimezone(UTC)
    for written in (
        "2026-09-30T17:59:59+08:00",  # the eve of the National Day's week
        "2026-10-10T09:00:00+08:00",  # the make-up Saturday after it
        "2026-10-09T12:00:00+08:00",  # a closing time
        "2026-03-27T21:30:00+01:00",  # before the clocks go forward in Berlin
        "2026-10-24T23:00:00+02:00",  # before they go back
        "2026-03-02T09:00:00+08:00",  # a plain Monday
    )
)


def draft(version: int, id_: str) -> CalendarDraft:
    """A version of a calendar; the second has another holiday, another break and shorter Fridays."""
    later = version > 1
    if id_ == "always":
        return CalendarDraft(time_zone="UTC", hours=EVERY_DAY)
    if id_ == "nights":
        return CalendarDraft(time_zone="Europe/Berlin", hours=NIGHTS, holidays=("2026-10-25",) if later else ())
    return CalendarDraft.model_validate(
        {
            "time_zone": "Asia/Shanghai",
            "hours": {**OFFICE, "fri": {"09:00": "12:00"} if later else WORKDAY},
            "holidays": [*(f"2026-10-0{day}" for day in range(1, 8)), *(["2026-03-03", "2026-10-12"] if later else [])],
            "shifts": {"2026-10-10": WORKDAY, "2026-03-28": {"10:00": "16:00"}},
            "breaks": {
                "2026-10-09": {"15:00": "16:00"},
                "2026-03-02": {"09:00": "10:00"},
                **({"2026-10-10": {"11:00": "14:00"}} if later else {}),
            },
        }
    )


CALENDARS = ("office", "nights", "always")
VERSIONS = (1, 2)
STORED = {
    (id_, version): StoredCalendar(**draft(version, id_).model_dump(), id=id_, version=version)
    for id_ in CALENDARS
    for version in VERSIONS
}

TARGETS = ("PT2H", "PT4H", "PT24H", "P3D", "PT2WH", "PT30WH", "PT90WM", "P1WD", "P3WD", "PT75S")
WARNINGS: tuple[tuple[float | str, ...], ...] = ((), (0.75,), (0.25, 0.5, "PT1H"), ("PT30M",), ("PT2WH", 0.9))


def policy(seed: int, id_: str = "general", version: int = 1, applies: tuple[Condition, ...] = ()) -> Policy:
    """A policy drawn by its seed: the same seed is the same policy."""
    draw = random.Random(seed)  # noqa: S311 - nothing here is a secret
    return Policy(
        id=id_,
        version=version,
        calendar=draw.choice(CALENDARS),
        calendars=draw.choice(({}, {"field": "nights", "shop": "office"})),
        applies=applies,
        clocks={name: _rule(draw) for name in ClockName if draw.random() < 0.9},
        settings=_settings(draw),
    )


def _rule(draw: random.Random) -> Any:
    target: Any = draw.choice(TARGETS)
    if draw.random() < 0.4:
        target = {"urgent": target, "*": draw.choice((*TARGETS, None))}
    rule = {"target": target, "warn_at": draw.choice(WARNINGS)}
    if draw.random() < 0.25:
        rule["paused_by"] = draw.choice(((), ("customer", "parts"), ("appointment",), ("parts", "third_party")))
    return rule


def _settings(draw: random.Random) -> Any:
    return {
        "information_wait": draw.choice(("P5WD", "PT48H", "PT10WH")),
        "information_reminders": draw.choice(((0.4, 0.8), ())),
        "reopen_window": draw.choice(("P7D", "P2D", "P3WD")),
        "callback_attempts": draw.choice((1, 2, 3)),
        "callback_retry_after": draw.choice(("P1WD", "PT16H", "PT4WH")),
        "second_callback_from": draw.choice(("confirmation", "resolution")),
    }
