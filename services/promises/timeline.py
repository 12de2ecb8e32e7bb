"""The years of one calendar in a row, compiled when first needed: any distance is two binary searches away.

All numbers are integers: microseconds since 1970 UTC, or lengths in microseconds.
"""

from bisect import bisect_left, bisect_right
from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from threading import Lock

from services.promises import statutory
from services.promises.drafts import LocalHours
from services.promises.openings import EPOCH, OpeningYear, compile_year, first_midnight

FIRST_YEAR, LAST_YEAR = 1970, 9998


class CalendarExhausted(Exception):
    """There is no opening time to reach: the calendar never opens (again), or the years 1970 to 9998 are left."""


@dataclass(slots=True)
class _Span:
    """Consecutive years. The totals count from an arbitrary origin, so they stay right when years come in front."""

    first: int
    years: list[OpeningYear]
    begins: list[int]
    """The first instant of each year, and of the one after the last."""
    days: list[int]
    """Working days before each year, and before the one after the last."""
    opened: list[int]
    """Open time before each year, and before the one after the last."""


class Timeline:
    """All years of one calendar, from any thread: readers hold a span, which stays right while others grow it."""

    def __init__(self, hours: LocalHours) -> None:
        self._hours = hours
        self._shapes: dict[tuple[int, bool], OpeningYear] = {}
        self._lock = Lock()
        self._span: _Span | None = None

    def opened_until(self, at: int) -> int:
        """Open time from the origin to `at`; only differences mean anything."""
        span, index = self._locate(at)
        return span.opened[index] + span.years[index].opened_until(at - span.begins[index])

    def is_open(self, at: int) -> bool:
        """Whether `at` lies in an opening."""
        span, index = self._locate(at)
        return span.years[index].is_open(at - span.begins[index])

    def add(self, at: int, length: int) -> int:
        """The first instant with `length` (above zero) of open time after `at`."""
        span, index = self._locate(at)
        wanted = span.opened[index] + span.years[index].opened_until(at - span.begins[index]) + length
        while span.opened[-1] < wanted:
            self._extend(span)
        index = bisect_left(span.opened, wanted) - 1
        return span.begins[index] + span.years[index].earliest(wanted - span.opened[index])

    def subtract(self, at: int, length: int) -> int:
        """The last instant with `length` (above zero) of open time before `at`."""
        span, index = self._locate(at)
        wanted = span.opened[index] + span.years[index].opened_until(at - span.begins[index]) - length
        while span.opened[0] > wanted:
            span = self._extend_back(span)
        index = bisect_right(span.opened, wanted) - 1
        return span.begins[index] + span.years[index].latest(wanted - span.opened[index])

    def closing(self, at: int, days: int) -> int:
        """The last closing of the working day `days` after the one of `at`, or of the next opening."""
        span, index = self._locate(at)
        day = span.days[index] + span.years[index].day_from(at - span.begins[index]) + days
        while span.days[-1] <= day:
            self._extend(span)
        index = bisect_right(span.days, day) - 1
        return span.begins[index] + span.years[index].last_closings[day - span.days[index]]

    def opening(self, at: int, days: int) -> int:
        """The first opening of the working day `days` before the one just before `at`, or of the last closing."""
        span, index = self._locate(at)
        day = span.days[index] + span.years[index].day_until(at - span.begins[index]) - days
        while span.days[0] > day:
            span = self._extend_back(span)
        index = bisect_right(span.days, day) - 1
        return span.begins[index] + span.years[index].first_openings[day - span.days[index]]

    def openings(self, at: int, until: int) -> Iterator[tuple[int, int]]:
        """The openings between two instants, cut to them."""
        while at < until:
            span, index = self._locate(at)
            year, begins, next_year = span.years[index], span.begins[index], span.begins[index + 1]
            first, last = bisect_right(year.ends, at - begins), bisect_left(year.starts, until - begins)
            for start, end in zip(year.starts[first:last], year.ends[first:last], strict=True):
                yield max(at, begins + start), min(until, begins + end)
            at = next_year

    def _locate(self, at: int) -> tuple[_Span, int]:
        span = self._span or self._begin(at)
        while at >= span.begins[-1]:
            self._extend(span)
        while at < span.begins[0]:
            span = self._extend_back(span)
        return span, bisect_right(span.begins, at) - 1

    def _begin(self, at: int) -> _Span:
        year = (EPOCH + timedelta(microseconds=at)).year
        with self._lock:
            self._span = self._span or self._compile(year, year)
            return self._span

    def _extend(self, span: _Span) -> None:
        """Add the year after the last; its beginning comes last, for it is what tells readers of the year."""
        with self._lock:
            number = span.first + len(span.years)
            year, next_begin = self._year(number), first_midnight(self._hours, number + 1)
            span.years.append(year)
            span.days.append(span.days[-1] + len(year.first_openings))
            span.opened.append(span.opened[-1] + year.total)
            span.begins.append(next_begin)

    def _extend_back(self, span: _Span) -> _Span:
        """Double the years by adding in front."""
        with self._lock:
            current = self._span or span
            if current.first < span.first:
                return current
            if current.first <= FIRST_YEAR:
                raise CalendarExhausted(f"no opening time since {FIRST_YEAR}")
            added = self._compile(max(FIRST_YEAR, current.first - len(current.years)), current.first - 1)
            days, opened = added.days.pop() - current.days[0], added.opened.pop() - current.opened[0]
            self._span = _Span(
                first=added.first,
                years=added.years + current.years,
                begins=added.begins[:-1] + current.begins,
                days=[before - days for before in added.days] + current.days,
                opened=[before - opened for before in added.opened] + current.opened,
            )
            return self._span

    def _compile(self, first: int, last: int) -> _Span:
        years = [self._year(number) for number in range(first, last + 1)]
        return _Span(
            first=first,
            years=years,
            begins=[first_midnight(self._hours, number) for number in range(first, last + 2)],
            days=list(accumulate((len(year.first_openings) for year in years), initial=0)),
            opened=list(accumulate((year.total for year in years), initial=0)),
        )

    def _year(self, number: int) -> OpeningYear:
        """Compile a year, or share one: far ahead, a year is decided by its first weekday and its length alone.

        Time zones follow their last rule by then, no holidays are known, and a calendar has no dates of its own.
        """
        if not FIRST_YEAR <= number <= LAST_YEAR:
            raise CalendarExhausted(f"no opening time from {FIRST_YEAR} to {LAST_YEAR}")
        if number <= statutory.LAST_YEAR:
            return compile_year(self._hours, number)
        shape = (date(number, 1, 1).weekday(), isleap(number))
        if shape not in self._shapes:
            self._shapes[shape] = compile_year(self._hours, number)
        return self._shapes[shape]
