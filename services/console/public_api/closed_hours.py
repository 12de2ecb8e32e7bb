"""Closed hours of a calendar, so that on a clock's course the nights and holidays look like what they are, and not like
pauses (semantics.md 7)."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.console.public_api.client import Desk, path

_MOST_KEPT = 60
_LONGEST = timedelta(days=400)

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Openings:
    """The opening times of some years of one calendar version, in order."""

    stretches: Sequence[Stretch]

    def closed(self, begins: datetime, ends: datetime) -> Iterator[Stretch]:
        """The closed stretches between two instants."""
        at = begins
        for opens, closes in self.stretches:
            if closes <= at:
                continue
            if opens >= ends:
                break
            if opens > at:
                yield at, opens
            at = closes
        if at < ends:
            yield at, ends


class KnownOpenings:
    """A copy of calendar versions; a version never changes, so its years are asked for once."""

    def __init__(self) -> None:
        self._years: OrderedDict[tuple[str, int, int], Sequence[Stretch]] = OrderedDict()

    async def of(self, desk: Desk, calendar: Mapping[str, Any], begins: datetime, ends: datetime) -> Openings | None:
        """The openings of a calendar version between two instants; None where they are not known, or it is too long to
        be drawn. Raises `ApiProblem`."""
        if calendar["version"] is None or ends - begins > _LONGEST:
            return None
        # A local year begins up to a day before or after that of UTC.
        first, last = (begins - timedelta(days=1)).year, (ends + timedelta(days=1)).year
        years = [await self._year(desk, calendar["id"], calendar["version"], year) for year in range(first, last + 1)]
        return (
            Openings([stretch for year in years if year is not None for stretch in year])
            if all(year is not None for year in years)
            else None
        )

    async def _year(self, desk: Desk, identifier: str, version: int, year: int) -> Sequence[Stretch] | None:
        key = (identifier, version, year)
        if key not in self._years:
            found = await desk.find(f"{path('v1', 'calendars', identifier)}/days", year=year, version=version)
            if found is None:
                return None
            self._years[key] = list(stretches(found))
            if len(self._years) > _MOST_KEPT:
                self._years.popitem(last=False)
        return self._years[key]


def stretches(found: Mapping[str, Any]) -> Iterator[Stretch]:
    """The opening times of a year, from the API's list of its days."""
    zone = ZoneInfo(found["time_zone"])
    for day in found["days"]:
        for opens, closes in day["hours"]:
            yield _instant(day["date"], opens, zone), _instant(day["date"], closes, zone)


def _instant(day: str, at: str, zone: ZoneInfo) -> datetime:
    """A local time of a day; `24:00` is the next midnight."""
    hours, minutes, *rest = (int(part) for part in at.split(":"))
    midnight = datetime.combine(date.fromisoformat(day) + timedelta(days=hours // 24), time(), zone)
    seconds = rest[0] if rest else 0
    return midnight.replace(hour=hours % 24, minute=minutes, second=seconds).astimezone(UTC)
