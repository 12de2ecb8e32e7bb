"""Due times per second of one core: working time with holidays, with a pause over a night and without; first use."""

import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.contracts.durations import parse_duration
from services.contracts.policy import StoredCalendar
from services.promises.calendars import Calendar
from services.promises.clocks import due_at
from services.promises.policies import built_in
from tests.bench.figures import AT_LEAST, Figure, Goal

SECONDS = 2.0
BATCH = 1000
CALENDARS = 200
TARGETS = ("PT2WH", "P1WD", "P3WD", "PT24H")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
GOAL = Goal(AT_LEAST, 100_000)


def measure() -> list[Figure]:
    """Compute for as long as it takes to be sure. Time is the process's own: other programs share the core."""
    stored = next(calendar for calendar in built_in().calendars if calendar.id == "cn")
    calendar = Calendar.compile(stored)
    targets, note = [parse_duration(text) for text in TARGETS], ", ".join(TARGETS)
    starts = (FIRST + timedelta(minutes=37 * number % 525_000) for number in itertools.count())
    asked = zip(starts, itertools.cycle(targets), strict=False)

    def plain() -> None:
        for start, target in itertools.islice(asked, BATCH):
            due_at(start, target, (), calendar)

    def paused() -> None:
        for start, target in itertools.islice(asked, BATCH):
            pause = (start + timedelta(minutes=5), start + timedelta(hours=14))
            due_at(start, target, (pause,), calendar)

    return [
        Figure("due times on one core", BATCH * _rate(plain), "/s", None, GOAL, note),
        Figure("... with a pause each", BATCH * _rate(paused), "/s", None, GOAL, note),
        Figure("calendars read and first used", _first_uses(stored), "/s", None, None, "cn, two years compiled"),
    ]


def _rate(work: Callable[[], None]) -> float:
    """Calls in a second."""
    work()
    done, began = 0, time.process_time()
    while time.process_time() - began < SECONDS:
        work()
        done += 1
    return done / (time.process_time() - began)


def _first_uses(stored: StoredCalendar) -> float:
    began = time.process_time()
    for _ in range(CALENDARS):
        Calendar.compile(stored).add(FIRST + timedelta(days=363), parse_duration("P3WD"))
    return CALENDARS / (time.process_time() - began)
