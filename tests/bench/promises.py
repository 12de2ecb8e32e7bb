"""Due times per second on one core: working time with holidays, and a pause over a night."""

import itertools
import time
from datetime import UTC, datetime, timedelta

from services.contracts.durations import parse_duration
from services.promises.calendars import Calendar
from services.promises.clocks import due_at
from services.promises.policies import built_in
from tests.bench.figures import Figure

SECONDS = 3.0
BATCH = 1000
TARGETS = ("PT2WH", "P1WD", "P3WD", "PT24H")


def measure() -> list[Figure]:
    """Compute for as long as it takes to be sure."""
    calendar = Calendar.compile(next(calendar for calendar in built_in().calendars if calendar.id == "cn"))
    targets = [parse_duration(text) for text in TARGETS]
    first = datetime(2026, 1, 1, tzinfo=UTC)
    starts = (first + timedelta(minutes=37 * number % 525_000) for number in itertools.count())
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        for start, target in zip(itertools.islice(starts, BATCH), itertools.cycle(targets), strict=False):
            pause = (start + timedelta(minutes=5), start + timedelta(hours=14))
            due_at(start, target, (pause,), calendar)
        done += BATCH
    rate = done / (time.perf_counter() - began)
    return [Figure("due times on one core", rate, "/s", None, None, f"{', '.join(TARGETS)}, a pause each")]
