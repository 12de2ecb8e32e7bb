"""Instants, lengths and clocks as a reader sees them: in their language, their zone and against one `now`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts.durations import parse_duration
from services.wording import Words

SOON = timedelta(hours=1)
_DAYS_ALONE = timedelta(days=2)
_SECONDS_SHOWN = timedelta(minutes=10)
LIVE = frozenset({"running", "paused", "breached"})


@dataclass(frozen=True)
class Moment:
    """An instant: for `<time datetime>`, as short as it can be, and in full."""

    iso: str
    text: str
    full: str


@dataclass(frozen=True)
class Countdown:
    """A clock's words at this moment. `tone` is late, soon, running, resting, paused, met, met_late, cancelled or none;
    `ticks` tells whether the text counts on by itself."""

    tone: str
    text: str
    name: str = ""
    note: str = ""
    due: Moment | None = None
    ticks: bool = False


class Present:
    """One reader at one moment. `open_now` tells of a calendar whether it is open; unknown ones count as open."""

    def __init__(self, words: Words, zone: ZoneInfo, now: datetime, open_now: Mapping[str, bool] | None = None) -> None:
        self.words = words
        self.zone = zone
        self.now = now
        self._open_now = open_now or {}

    def moment(self, iso: str | None) -> Moment | None:
        """An instant of the API."""
        if iso is None:
            return None
        local = datetime.fromisoformat(iso).astimezone(self.zone)
        return Moment(iso, self._short(local), local.strftime("%Y-%m-%d %H:%M:%S"))

    def text(self, iso: str | None) -> str:
        """An instant of the API, as short as it can be; empty for none."""
        moment = self.moment(iso)
        return moment.text if moment else ""

    def length(self, length: timedelta) -> str:
        """A length in its two largest units that matter."""
        seconds = int(abs(length).total_seconds())
        days, hours, minutes = seconds // 86_400, seconds // 3600, seconds // 60
        if abs(length) >= _DAYS_ALONE:
            return self._units(("days", days), ("hours", hours % 24))
        if hours:
            return self._units(("hours", hours), ("minutes", minutes % 60))
        if abs(length) >= _SECONDS_SHOWN:
            return self._units(("minutes", minutes))
        return self._units(("minutes", minutes), ("seconds", seconds % 60))

    def seconds(self, seconds: float | None) -> str:
        """A length given in seconds; a dash for none."""
        return self.words.text("none") if seconds is None else self.length(timedelta(seconds=seconds))

    def countdown(self, clock: Mapping[str, Any], calendar: str | None = None) -> Countdown:
        """One clock in words; `calendar` is the one that it counts on, where that is known."""
        name = self.words.of("clock", clock["name"])
        if clock["state"] == "paused":
            reasons = self.words.text("list.and").join(
                self.words.of("wait_reason", reason) for reason in clock["paused_reasons"]
            )
            return Countdown("paused", self.words.text("clock.paused_for", reason=reasons), name)
        due = self.moment(clock["due_at"])
        if clock["state"] not in LIVE or due is None:
            return Countdown(clock["state"], self.words.of("clock_state", clock["state"]), name, due=due)
        shown = self.until(due.iso, name)
        is_resting = parse_duration(clock["target"]).is_working and not self._open_now.get(calendar or "", True)
        if shown.tone == "late" or not is_resting:
            return shown
        return replace(shown, tone="resting", note=self.words.text("clock.resting"))

    def until(self, iso: str, name: str = "") -> Countdown:
        """The time until an instant, or since it; it counts on by itself."""
        at = self.moment(iso)
        left = datetime.fromisoformat(iso) - self.now
        if left < timedelta(0):
            return Countdown("late", self.words.text("clock.late", length=self.length(left)), name, due=at, ticks=True)
        text = self.words.text("clock.left", length=self.length(left))
        return Countdown("soon" if left < SOON else "running", text, name, due=at, ticks=True)

    def next_clock(self, clocks: Sequence[Mapping[str, Any]], calendar: str | None = None) -> Countdown:
        """The clock that a ticket is up against: the live one due first, a paused one only if nothing runs."""
        live = [clock for clock in clocks if clock["state"] in LIVE]
        if not live:
            return Countdown("none", self.words.text("clock.none"))
        return self.countdown(min(live, key=lambda clock: (clock["due_at"] is None, clock["due_at"] or "")), calendar)

    def _short(self, local: datetime) -> str:
        today = self.now.astimezone(self.zone).date()
        near = {0: "time.today", 1: "time.tomorrow", -1: "time.yesterday"}.get((local.date() - today).days)
        time = local.strftime("%H:%M")
        if near:
            return self.words.text(near, time=time)
        if local.year == today.year:
            return f"{local:%m-%d} {time}"
        return f"{local:%Y-%m-%d} {time}"

    def _units(self, *parts: tuple[str, int]) -> str:
        shown = [(unit, number) for unit, number in parts if number] or [parts[-1]]
        return " ".join(self.words.text(f"length.{unit}", count=number) for unit, number in shown)


def now() -> datetime:
    """The server's clock: the one that every countdown is measured against."""
    return datetime.now(UTC)
