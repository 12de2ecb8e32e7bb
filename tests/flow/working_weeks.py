"""A working calendar around a coming week, so that real weekdays can be used whatever today is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.contracts.policy import CalendarDraft

SHANGHAI = ZoneInfo("Asia/Shanghai")
WORKDAY = {"09:00": "12:00", "13:30": "18:00"}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Week:
    """The first week that begins tomorrow or later; `day` 0 is its Monday and may go on into the next."""

    def __init__(self) -> None:
        tomorrow = datetime.now(SHANGHAI).date() + timedelta(days=1)
        self.monday = tomorrow + timedelta(days=-tomorrow.weekday() % 7)

    def day(self, day: str, weeks: int = 0) -> date:
        """A day of this week, or of one that follows."""
        return self.monday + timedelta(days=WEEKDAYS.index(day), weeks=weeks)

    def at(self, day: str, clock_time: str, weeks: int = 0) -> datetime:
        """An instant in UTC, told in local time."""
        local = datetime.combine(self.day(day, weeks), time.fromisoformat(clock_time), SHANGHAI)
        return local.astimezone(UTC)

    def calendar(self, *, holidays: tuple[date, ...] = (), make_up_days: tuple[date, ...] = ()) -> CalendarDraft:
        """Weekdays 09:00-12:00 and 13:30-18:00, from this week on: until it begins nothing falls due."""
        today = datetime.now(SHANGHAI).date()
        before = tuple(today + timedelta(days=ahead) for ahead in range((self.monday - today).days))
        return CalendarDraft.model_validate(
            {
                "time_zone": "Asia/Shanghai",
                "hours": dict.fromkeys(WEEKDAYS[:5], WORKDAY),
                "holidays": [it.isoformat() for it in (*before, *holidays)],
                "shifts": {it.isoformat(): WORKDAY for it in make_up_days},
            }
        )
