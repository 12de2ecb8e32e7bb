"""One clock, told slowly: everything is worked out anew from its start, its pauses and its target at every question
(semantics.md 6 to 12, 18, 22)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.reference.slow_hours import NOTHING, Hours, Target

TICK = timedelta(microseconds=1)


@dataclass
class Pause:
    """A stretch in which the clock stands still; `until` None while it does."""

    since: datetime
    reasons: frozenset[str]
    until: datetime | None = None


@dataclass
class SlowClock:
    """One promise. `promised` is a person's date or an appointment's end: it stands in for the target."""

    name: str
    cycle: int
    started: datetime
    target: str
    hours: Hours
    warns: tuple[float | str, ...] = ()
    calendar: str = ""
    is_retry: bool = False
    """A later callback attempt, which has a date of its own."""
    pauses: list[Pause] = field(default_factory=list)
    promised: datetime | None = None
    breached: datetime | None = None
    excused: bool = False
    excused_until: datetime | None = None
    """It would not have been late until then; None: never."""
    met: datetime | None = None
    ended: datetime | None = None
    cancelled: str | None = None

    @property
    def is_paused(self) -> bool:
        """Whether it stands still now."""
        return bool(self.pauses) and self.pauses[-1].until is None and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether it was met or cancelled."""
        return self.ended is not None

    @property
    def state(self) -> str:
        """In the words of the API."""
        if self.cancelled:
            return "cancelled"
        if self.met:
            return "met_late" if self.breached else "met"
        return "breached" if self.breached else "paused" if self.is_paused else "running"

    def due(self) -> datetime | None:
        """The due time; a paused clock has no due time (7), one that is breached keeps its own."""
        if self.breached:
            return self.breached
        return None if self.is_paused else self.promised or self.due_by_target()

    def due_by_target(self) -> datetime:
        """The due time by its own target, whatever was promised."""
        return self.due_by(Target(self.target, self.hours))

    def due_by(self, target: Target) -> datetime:
        """The due time by another target, from the same start and with the same pauses."""
        return self._after_pauses(target, target.after(self.started))

    def warn_instants(self) -> list[datetime]:
        """Instants of the warnings, in the clock's own time; nothing on the start or before, nothing on the due time or
        after."""
        due = self.due()
        if due is None or self.breached or due <= self.started:
            return []
        target = Target(self.target, self.hours)
        whole = self.ran(due)
        instants = {self._after_running(target, self._before(target, due, whole, warn)) for warn in self.warns}
        return sorted(at for at in instants if at is not None and self.started < at < due)

    def ran(self, until: datetime) -> timedelta:
        """Time that it ran until then, in its own time."""
        target = Target(self.target, self.hours)
        ran = target.own_time(self.started, until)
        for pause in self.pauses:
            ends = min(pause.until or until, until)
            if pause.since < ends:
                ran -= target.own_time(max(pause.since, self.started), ends)
        return ran

    def stop(self, at: datetime, *, cancelled: str | None = None) -> None:
        """Met, or cancelled for a reason: nothing moves it afterwards (11)."""
        if self.is_paused:
            self.pauses[-1].until = at
        self.ended, self.cancelled = at, cancelled
        self.met = None if cancelled else at
        self.excused = self.excused and (self.excused_until is None or at <= self.excused_until)

    def pause_for(self, reasons: frozenset[str], at: datetime) -> None:
        """Stand still for these reasons from now on; for none, run (8)."""
        standing = self.pauses[-1].reasons if self.is_paused else frozenset()
        if self.breached or reasons == standing:
            return
        if self.is_paused:
            self.pauses[-1].until = at
        if reasons:
            self.pauses.append(Pause(at, reasons))

    def _before(self, target: Target, due: datetime, whole: timedelta, warn: float | str) -> timedelta:
        if not isinstance(warn, str):
            return whole * warn
        ahead = Target(warn, self.hours)
        if ahead.is_working and not target.is_working:
            return whole - (due - ahead.earlier(due, ahead.length))
        return whole - ahead.length

    def _after_running(self, target: Target, length: timedelta) -> datetime | None:
        if length <= NOTHING:
            return None
        return self._after_pauses(target, target.later(self.started, length))

    def _after_pauses(self, target: Target, without: datetime) -> datetime:
        """Move an instant by the pauses that began before it: those after it came too late to matter."""
        due, counted = without, -1
        while True:
            pauses = [pause for pause in self.pauses if pause.until and pause.since < due]
            if len(pauses) == counted:
                return due
            counted = len(pauses)
            paused = sum((self._length(target, pause) for pause in pauses), NOTHING)
            due = target.later(without, paused)

    def _length(self, target: Target, pause: Pause) -> timedelta:
        since, until = max(pause.since, self.started), pause.until or pause.since
        return target.own_time(since, until) if since < until else NOTHING
