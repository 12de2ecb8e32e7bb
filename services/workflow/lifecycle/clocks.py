"""The clocks of one ticket: started, paused, resumed, met, cancelled, retargeted (semantics.md 6 to 21).

Only this module moves a clock. Due times are not computed here: a clock that needs one is `unscheduled` until `record`
has asked the calendar.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from services.contracts.policy import ClockRule, PolicySnapshot
from services.contracts.ticket import Clock, Segment, TicketState
from services.contracts.vocabulary import ClockName, ClockState, WaitReason

OWNERS = frozenset({ClockName.RESPONSE, ClockName.PLAN, ClockName.PROGRESS, ClockName.RESOLUTION,
                    ClockName.CUSTOMER_WAIT})  # fmt: skip
"""The clocks whose breach first tells the owner (product.md 5); the others are the clerks' and the supervisor's."""
_NO_POLICY, _EVERY_HOUR = "none", "always"


class Ledger:
    """Moves the live clocks in `state.clocks`; finished ones leave the state and wait in `touched` to be recorded."""

    def __init__(self, state: TicketState, policy: PolicySnapshot | None) -> None:
        self.state = state
        self.policy = policy
        self.touched: dict[str, Clock] = {}

    def live(self, name: ClockName) -> Clock | None:
        """The unfinished clock of that name, if there is one."""
        return next((clock for clock in self.state.clocks if clock.name is name), None)

    def start(self, name: ClockName, at: datetime, *, round_: int = 1, target: str | None = None) -> None:
        """Start a clock if the policy promises it; `target` replaces the policy's (a later callback attempt).

        One that starts in the past has stood still whenever the ticket waited since for something that pauses it.
        """
        promised = self._promised(name)
        if promised is not None and self.policy is not None:
            clock = self._open(name, at, target if target and self._rule(name) else promised, round_)
            clock.is_retry = target is not None

    def meet(self, name: ClockName, at: datetime) -> Clock | None:
        """Stop a clock because its promise was kept, in time or late (semantics.md 12)."""
        clock = self.live(name)
        if clock is None:
            return None
        clock.met_at = at
        self._finish(clock, ClockState.MET_LATE if clock.breached_at else ClockState.MET, at)
        return clock

    def restart(self, name: ClockName, at: datetime) -> None:
        """Meet a clock and start its next round; a clock that does not run stays stopped."""
        if met := self.meet(name, at):
            self.start(name, at, round_=met.round + 1)

    def cancel(self, names: Iterable[ClockName], at: datetime, reason: str) -> None:
        """Stop clocks whose promise no longer stands; a breach stays on record."""
        for name in names:
            if clock := self.live(name):
                clock.cancel_reason = reason
                self._finish(clock, ClockState.CANCELLED, at)

    def sync_pauses(self, at: datetime) -> None:
        """Bring every clock in line with what the ticket waits for (8); a breached clock's ledger is frozen."""
        for clock in self.state.clocks:
            reasons = self._pausing(clock.name)
            if clock.state is ClockState.BREACHED or clock.segments[-1].reasons == reasons:
                continue
            self._turn_page(clock, at, reasons)

    def retarget(self, policy: PolicySnapshot | None, at: datetime) -> None:
        """Apply a new policy or urgency: start and ledger stay, the target changes, finished clocks do not (17)."""
        self.policy = policy
        for clock in list(self.state.clocks):
            target = self.target_of(clock)
            if policy is not None and target is not None:
                self._change_target(clock, policy, target, at)
            elif clock.promised_at is None:
                self.cancel((clock.name,), at, "no_promise")
        self.sync_pauses(at)

    def promise(self, name: ClockName, date: datetime, at: datetime) -> None:
        """Replace the target by a date: a person's promise (18) or the end of an appointment (9).

        Where nothing is promised ("by appointment"), the date starts the clock.
        """
        clock = self.live(name)
        if clock is None:
            clock = self._open(name, at, f"PT{max(0, round((date - at).total_seconds()))}S", self.state.version + 1)
            clock.by_promise = True
        if clock is None or clock.state is ClockState.BREACHED:
            return
        # A new due time has warnings of its own.
        clock.promised_at, clock.warned = date, 0
        clock.unscheduled = self._lacks_instants(clock)
        self._touch(clock)

    def breach(self, clock: Clock, detected_at: datetime) -> None:
        """Date the breach at the due instant (12)."""
        clock.state, clock.breached_at, clock.detected_at = ClockState.BREACHED, clock.due_at, detected_at
        self.state.unexplained.append(clock.key)
        if clock.name in OWNERS and self.state.owner is not None:
            self.state.owed_reasons.append(clock.key)
        self._touch(clock)

    def warn(self, clock: Clock, passed: int) -> None:
        """Note how many of the clock's warnings have passed."""
        clock.warned = passed
        self._touch(clock)

    def recalendar(self, versions: Mapping[str, int]) -> None:
        """Count by the calendar versions given, from the clock's start on (19); breached clocks keep theirs."""
        for clock in self.state.clocks:
            version = versions.get(clock.calendar)
            if clock.state is ClockState.BREACHED or version is None or clock.calendar_version in {None, version}:
                continue
            clock.calendar_version, clock.unscheduled = version, clock.state is ClockState.RUNNING
            self._touch(clock)

    def date(self, clock: Clock, at: datetime) -> None:
        """Note that a due time was moved at `at`: warnings that are still to come are given anew."""
        clock.retargeted_at = at
        clock.warned = min(clock.warned, sum(warning <= at for warning in clock.warn_at))
        self._touch(clock)

    def excuse(self, clock: Clock, at: datetime, until: datetime | None) -> None:
        """Mark a breach that a change would have avoided, as long as the clock is met by `until` (19)."""
        clock.excused_at, clock.excused_until = at, until
        self._touch(clock)

    def explain(self, name: ClockName) -> str | None:
        """Note that the oldest unexplained breach of `name` has its reason; answers its key."""
        key = next((key for key in self.state.unexplained if key.startswith(f"{name}/")), None)
        if key is not None:
            self.state.unexplained.remove(key)
            self.state.owed_reasons = [owed for owed in self.state.owed_reasons if owed != key]
        return key

    def _rule(self, name: ClockName) -> ClockRule | None:
        return self.policy.clocks.get(name) if self.policy else None

    def _promised(self, name: ClockName) -> str | None:
        """The target of a clock of this ticket, as it is now."""
        if name is ClockName.RESPONSE and self.state.response_target:
            return self.state.response_target
        rule = self._rule(name)
        return rule.target_for(self.state.urgency) if rule else None

    def _open(self, name: ClockName, at: datetime, target: str, round_: int) -> Clock:
        policy, rule = self.policy, self._rule(name) or ClockRule(target=target)
        segments = self._segments(name, at)
        reasons = segments[-1].reasons
        clock = Clock(
            name=name,
            cycle=self.state.cycle,
            round=round_,
            started_at=at,
            target=target,
            calendar=policy.calendar_of(self.state.department) if policy else _EVERY_HOUR,
            policy=policy.id if policy else _NO_POLICY,
            policy_version=policy.version if policy else 0,
            priority=self.state.priority,
            warn_rule=rule.warn_at,
            ladder=rule.ladder,
            segments=segments,
            state=ClockState.PAUSED if reasons else ClockState.RUNNING,
        )
        clock.unscheduled = self._lacks_instants(clock)
        self.state.clocks.append(clock)
        self._touch(clock)
        return clock

    def _segments(self, name: ClockName, since: datetime) -> list[Segment]:
        """The ledger of a clock that starts at `since`: what the ticket has waited for, and waits for, pauses it."""
        waiting = [Segment(from_at=wait.since, reasons=(wait.reason,)) for wait in self.state.waits]
        return segments_since(since, [*self.state.waited, *waiting], self._pauses(name))

    def target_of(self, clock: Clock) -> str | None:
        """The target that the policy promises for a running clock; a later callback attempt has a date of its own."""
        target = self._promised(clock.name)
        return self.policy.settings.callback_retry_after if target and self.policy and clock.is_retry else target

    def _pausing(self, name: ClockName) -> tuple[WaitReason, ...]:
        pausing = self._pauses(name)
        return tuple(sorted(wait.reason for wait in self.state.waits if wait.reason in pausing))

    def _pauses(self, name: ClockName) -> Collection[WaitReason]:
        return self.policy.paused_by(name) if self.policy else ()

    def _turn_page(self, clock: Clock, at: datetime, reasons: tuple[WaitReason, ...]) -> None:
        clock.segments[-1].to_at = at
        clock.segments.append(Segment(from_at=at, reasons=reasons))
        if reasons:
            clock.state, clock.due_at, clock.warn_at = ClockState.PAUSED, None, ()
        else:
            clock.state = ClockState.RUNNING
        clock.unscheduled = self._lacks_instants(clock)
        self._touch(clock)

    def _change_target(self, clock: Clock, policy: PolicySnapshot, target: str, at: datetime) -> None:
        if clock.state is ClockState.BREACHED:
            return
        rule, calendar = self._rule(clock.name) or ClockRule(target=target), policy.calendar_of(self.state.department)
        clock.priority, clock.ladder = self.state.priority, rule.ladder
        before = (clock.target, clock.calendar, clock.policy, clock.policy_version)
        if before == (target, calendar, policy.id, policy.version):
            return
        if (clock.target, clock.calendar, clock.warn_rule) != (target, calendar, rule.warn_at):
            clock.warned = 0
        if clock.calendar != calendar:
            clock.calendar, clock.calendar_version = calendar, None
        clock.target, clock.policy, clock.policy_version = target, policy.id, policy.version
        clock.warn_rule, clock.by_promise = rule.warn_at, False
        clock.retargeted_at, clock.unscheduled = at, self._lacks_instants(clock)
        self._touch(clock)

    def _lacks_instants(self, clock: Clock) -> bool:
        """A clock that runs needs its due time; one that stands still, the version that its calendar has now (I11)."""
        return clock.state is ClockState.RUNNING or clock.calendar_version is None

    def _finish(self, clock: Clock, verdict: ClockState, at: datetime) -> None:
        clock.segments[-1].to_at = at
        clock.state, clock.ended_at, clock.unscheduled = verdict, at, False
        if clock.excused_until is not None and at > clock.excused_until:
            clock.excused_at = None
        self.state.clocks.remove(clock)
        self._touch(clock)

    def _touch(self, clock: Clock) -> None:
        self.touched[clock.key] = clock


def segments_since(start: datetime, waited: Iterable[Segment], pausing: Collection[WaitReason]) -> list[Segment]:
    """Running and paused segments from `start` on, the last one open, of a clock that `pausing` reasons pause.

    `waited` are stretches of one reason each, in any order; they may overlap.
    """
    counted = [stretch for stretch in waited if stretch.reasons[0] in pausing]
    turns = {start, *(at for stretch in counted for at in (stretch.from_at, stretch.to_at) if at and at > start)}
    segments: list[Segment] = []
    for at in sorted(turns):
        reasons = tuple(sorted({it.reasons[0] for it in counted if _covers(it, at)}))
        if segments and segments[-1].reasons == reasons:
            continue
        if segments:
            segments[-1].to_at = at
        segments.append(Segment(from_at=at, reasons=reasons))
    return segments


def _covers(stretch: Segment, at: datetime) -> bool:
    return stretch.from_at <= at and (stretch.to_at is None or at < stretch.to_at)
