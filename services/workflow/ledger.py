"""The clocks of one ticket: started, paused, resumed, met, cancelled, retargeted (semantics.md 6 to 21).

Only this module moves a clock. Due times are not computed here: a clock that needs one is `unscheduled` until `record`
has asked the calendar.
"""

from collections.abc import Iterable
from datetime import datetime

from services.contracts.policy import ClockRule, PolicySnapshot
from services.contracts.ticket import Clock, Segment, TicketState
from services.contracts.words import ClockName, ClockState, WaitReason

_CALLBACKS = frozenset({ClockName.CALLBACK, ClockName.SECOND_CALLBACK})


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
        """Start a clock if the policy promises it; `target` replaces the policy's (a later callback attempt)."""
        rule = self._rule(name)
        target = target if target and rule else rule.target_for(self.state.urgency) if rule else None
        if rule is None or target is None or self.policy is None:
            return
        reasons = self._pausing(name)
        clock = Clock(
            name=name,
            cycle=self.state.cycle,
            round=round_,
            started_at=at,
            target=target,
            calendar=self.policy.calendar,
            policy=self.policy.id,
            policy_version=self.policy.version,
            priority=self.state.priority,
            warn_rule=rule.warn_at,
            segments=[Segment(from_at=at, reasons=reasons)],
            state=ClockState.PAUSED if reasons else ClockState.RUNNING,
            unscheduled=not reasons,
        )
        self.state.clocks.append(clock)
        self._touch(clock)

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
            rule, target = self._rule(clock.name), self._target(clock)
            if policy is None or rule is None or target is None:
                self.cancel((clock.name,), at, "no_promise")
            elif clock.state is not ClockState.BREACHED:
                self._change_target(clock, policy, rule, target, at)
        self.sync_pauses(at)

    def promise(self, name: ClockName, date: datetime) -> None:
        """Replace the target by a date: a person's promise (18) or the end of an appointment (9)."""
        clock = self.live(name)
        if clock is None or clock.state is ClockState.BREACHED:
            return
        clock.promised_at = date
        clock.unscheduled = clock.state is ClockState.RUNNING
        self._touch(clock)

    def breach(self, clock: Clock, detected_at: datetime) -> None:
        """Date the breach at the due instant (12)."""
        clock.state, clock.breached_at, clock.detected_at = ClockState.BREACHED, clock.due_at, detected_at
        self.state.unexplained.append(clock.key)
        self._touch(clock)

    def warn(self, clock: Clock, passed: int) -> None:
        """Note how many of the clock's warnings have passed."""
        clock.warned = passed
        self._touch(clock)

    def explain(self, name: ClockName) -> str | None:
        """Note that the oldest unexplained breach of `name` has its reason; answers its key."""
        key = next((key for key in self.state.unexplained if key.startswith(f"{name}/")), None)
        if key is not None:
            self.state.unexplained.remove(key)
        return key

    def _rule(self, name: ClockName) -> ClockRule | None:
        return self.policy.clocks.get(name) if self.policy else None

    def _target(self, clock: Clock) -> str | None:
        """What the policy promises for a running clock; a later callback attempt has a date of its own."""
        rule = self._rule(clock.name)
        target = rule.target_for(self.state.urgency) if rule else None
        is_retry = clock.name in _CALLBACKS and clock.round > 1
        return self.policy.settings.callback_retry_after if target and self.policy and is_retry else target

    def _pausing(self, name: ClockName) -> tuple[WaitReason, ...]:
        if self.policy is None:
            return ()
        pausing = self.policy.paused_by(name)
        return tuple(sorted(wait.reason for wait in self.state.waits if wait.reason in pausing))

    def _turn_page(self, clock: Clock, at: datetime, reasons: tuple[WaitReason, ...]) -> None:
        clock.segments[-1].to_at = at
        clock.segments.append(Segment(from_at=at, reasons=reasons))
        if reasons:
            clock.state, clock.due_at, clock.warn_at, clock.unscheduled = ClockState.PAUSED, None, (), False
        else:
            clock.state, clock.unscheduled = ClockState.RUNNING, True
        self._touch(clock)

    def _change_target(self, clock: Clock, policy: PolicySnapshot, rule: ClockRule, target: str, at: datetime) -> None:
        clock.priority = self.state.priority
        if (clock.target, clock.policy, clock.policy_version) == (target, policy.id, policy.version):
            return
        if clock.calendar != policy.calendar:
            clock.calendar, clock.calendar_version = policy.calendar, None
        clock.target, clock.policy, clock.policy_version, clock.warn_rule = (
            target,
            policy.id,
            policy.version,
            rule.warn_at,
        )
        clock.retargeted_at, clock.unscheduled = at, clock.state is ClockState.RUNNING
        self._touch(clock)

    def _finish(self, clock: Clock, verdict: ClockState, at: datetime) -> None:
        clock.segments[-1].to_at = at
        clock.state, clock.ended_at, clock.unscheduled = verdict, at, False
        self.state.clocks.remove(clock)
        self._touch(clock)

    def _touch(self, clock: Clock) -> None:
        self.touched[clock.key] = clock
