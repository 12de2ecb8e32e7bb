"""The opening hours of one local year as sorted instants with running totals.

All numbers are integers: microseconds since 1970 UTC, or lengths in microseconds.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from services.promises.drafts import LocalHours

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime.fromtimestamp(0, UTC)
_MINUTE = 60_000_000
_MINUTES_OF_DAY = 24 * 60
_DAY = _MINUTES_OF_DAY * _MINUTE


@dataclass(slots=True)
class OpeningYear:
    """The openings of a local year, counted from its first midnight so that years of one shape can share them."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    """Open time from the beginning of the year to the end of each opening."""
    day_of: list[int] = field(default_factory=list)
    """The number, within the year, of the working day that each opening belongs to."""
    first_openings: list[int] = field(default_factory=list)
    """When each working day opens first."""
    last_closings: list[int] = field(default_factory=list)
    """When each working day closes for good."""

    @property
    def total(self) -> int:
        """Open time of the whole year."""
        return self.opened[-1] if self.opened else 0

    def opened_until(self, at: int) -> int:
        """Open time from the beginning of the year to `at`."""
        index = bisect_right(self.starts, at) - 1
        return self.opened[index] - max(0, self.ends[index] - at) if index >= 0 else 0

    def is_open(self, at: int) -> bool:
        """Whether `at` lies in an opening."""
        index = bisect_right(self.starts, at) - 1
        return index >= 0 and at < self.ends[index]

    def earliest(self, amount: int) -> int:
        """The first instant at which `amount` (above zero) has been open: a closing rather than the next opening."""
        index = bisect_left(self.opened, amount)
        return self.ends[index] - (self.opened[index] - amount)

    def latest(self, amount: int) -> int:
        """The last instant at which `amount` (below the total) has been open: an opening rather than the closing."""
        index = bisect_right(self.opened, amount)
        return self.ends[index] - (self.opened[index] - amount)

    def day_from(self, at: int) -> int:
        """The number of the working day of `at` or of the next opening; one past the last when there is none."""
        index = bisect_right(self.ends, at)
        return self.day_of[index] if index < len(self.day_of) else len(self.first_openings)

    def day_until(self, at: int) -> int:
        """The number of the working day just before `at`, or of the last closing; -1 when there is none."""
        index = bisect_left(self.starts, at) - 1
        return self.day_of[index] if index >= 0 else -1

    def append(self, day: list[tuple[int, int]]) -> None:
        """Add the openings of the next working day."""
        for start, end in day:
            self.opened.append(self.total + end - start)
            self.starts.append(start)
            self.ends.append(end)
            self.day_of.append(len(self.first_openings))
        self.first_openings.append(day[0][0])
        self.last_closings.append(day[-1][1])


def compile_year(hours: LocalHours, number: int) -> OpeningYear:
    """Turn the local hours of a year into instants.

    A local time that the zone skips moves on by the length of the gap, one that comes twice is its first. A date that
    the zone skipped altogether has no hours.
    """
    year = OpeningYear()
    origin = closed_at = first_midnight(hours, number)
    for day, midnight, next_midnight in _days(hours, number):
        openings: list[tuple[int, int]] = []
        for start, end in _instants(hours, day, midnight, next_midnight):
            opens = max(start, closed_at)
            if opens < end:
                openings.append((opens - origin, end - origin))
                closed_at = end
        if openings:
            year.append(openings)
    return year


def first_midnight(hours: LocalHours, number: int) -> int:
    """The instant at which a local year begins."""
    return _instant(hours, date(number, 1, 1).toordinal(), 0)


def _days(hours: LocalHours, number: int) -> Iterator[tuple[date, int, int]]:
    first, last = date(number, 1, 1).toordinal(), date(number, 12, 31).toordinal()
    midnight = first_midnight(hours, number)
    for ordinal in range(first, last + 1):
        next_midnight = _instant(hours, ordinal + 1, 0)
        yield date.fromordinal(ordinal), midnight, next_midnight
        midnight = next_midnight


def _instants(hours: LocalHours, day: date, midnight: int, next_midnight: int) -> Iterable[tuple[int, int]]:
    local = hours.on(day) if midnight < next_midnight else ()
    if next_midnight - midnight == _DAY:
        return [(midnight + start * _MINUTE, midnight + end * _MINUTE) for start, end in local]
    ordinal = day.toordinal()
    return [(_instant(hours, ordinal, start), _instant(hours, ordinal, end)) for start, end in local]


def _instant(hours: LocalHours, ordinal: int, minute: int) -> int:
    days, minute = divmod(minute, _MINUTES_OF_DAY)
    local = datetime.combine(date.fromordinal(ordinal + days), time(minute // 60, minute % 60), hours.zone)
    offset = local.utcoffset() or timedelta(0)
    return (local.replace(tzinfo=UTC) - EPOCH - offset) // MICROSECOND
