"""All clocks of one ticket, told slowly: which policy promises what, and what a change under way does to them
(semantics.md 17 to 21)."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services.contracts.policy import PAUSED_BY_DEFAULT, ClockRule, Policy
from services.contracts.vocabulary import ClockName, Urgency
from tests.reference.slow_clock import Pause, SlowClock
from tests.reference.slow_hours import Hours, Target

if TYPE_CHECKING:
    from datetime import datetime

    from tests.reference.slow_life import SlowLife

PRIORITIES = ("low", "medium", "high")


@dataclass
class Stretch:
    """For what the ticket waited, from when until when; `until` None while it does."""

    reason: str
    since: "datetime"
    until: "datetime | None" = None


@dataclass
class PromisesInForce:
    """Promises in force: policies in the order tried, calendars by id."""

    policies: list[Policy]
    calendars: dict[str, Hours]


def priority(facts: dict[str, Any]) -> str:
    """Urgency, one step higher for VIP, high for many (product.md 4)."""
    if facts["affected_count"] >= 5:
        return "high"
    rank = {"low": 0, "normal": 1, "urgent": 2}[facts["urgency"]] + (facts["tier"] == "vip")
    return PRIORITIES[min(rank, 2)]


def applies(policy: Policy, facts: dict[str, Any]) -> bool:
    """Whether one of the conditions holds; without conditions a policy is for everybody."""
    known = {**facts, "priority": priority(facts)}
    conditions = [condition.model_dump(mode="json", exclude_none=True) for condition in policy.applies]
    return not conditions or any(all(known[name] in of for name, of in it.items()) for it in conditions)


class SlowClocks:
    """The clocks: `live` by name, `over` in the order in which they ended, `breaches` in the order found."""

    def __init__(self, in_force: PromisesInForce, ticket: "SlowLife") -> None:
        self.in_force, self.ticket = in_force, ticket
        self.policy: Policy | None = None
        self.live: dict[str, SlowClock] = {}
        self.over: list[SlowClock] = []
        self.breaches: list[SlowClock] = []

    def choose_policy(self, *, anew: bool = True) -> None:
        """The first that matches, of those in force now; unless `anew`, an open ticket keeps the version of it that it
        lives by (api.md, "Policy")."""
        found = next((policy for policy in self.in_force.policies if applies(policy, self.ticket.facts)), None)
        is_the_same = found is not None and self.policy is not None and found.id == self.policy.id
        if anew or not is_the_same:
            self.policy = found

    def calendar(self) -> str:
        """The calendar of the department's tickets."""
        if self.policy is None:
            return "always"
        return self.policy.calendars.get(self.ticket.facts["department"] or "", self.policy.calendar)

    def hours_of(self, calendar: str) -> Hours:
        """A calendar as it is in force."""
        return self.in_force.calendars[calendar]

    def start(self, name: str, since: "datetime | None" = None) -> None:
        """Start a clock, if there is a promise."""
        target = self._target(name)
        if target:
            self._start(name, target, since)

    def start_retry(self, name: str) -> None:
        """A later attempt has a date of its own."""
        if self.policy and self._target(name):
            self._start(name, self.policy.settings.callback_retry_after, None)
            self.live[name].is_retry = True

    def meet(self, name: str) -> SlowClock | None:
        """Kept, in time or late."""
        clock = self.live.pop(name, None)
        if clock:
            clock.stop(self.ticket.now)
            self.over.append(clock)
        return clock

    def cancel(self, name: str, reason: str) -> None:
        """The promise no longer stands."""
        clock = self.live.pop(name, None)
        if clock:
            clock.stop(self.ticket.now, cancelled=reason)
            self.over.append(clock)

    def cancel_all(self, reason: str) -> None:
        """None of them stands."""
        for name in list(self.live):
            self.cancel(name, reason)

    def sync(self) -> None:
        """Every clock stands still exactly for the reasons that its policy names."""
        for clock in self.live.values():
            clock.pause_for(self._reasons(clock.name), self.ticket.now)

    def promise(self, name: str, date: "datetime") -> None:
        """A person's date, or the end of an appointment: where nothing is promised it starts the clock (18)."""
        if name not in self.live:
            length = max(0, round((date - self.ticket.now).total_seconds()))
            self._start(name, f"PT{length}S", None)
        clock = self.live.get(name)
        if clock and not clock.breached:
            clock.promised = date

    def retarget(self) -> None:
        """Urgency, policy or department changed: start and ledger stay, the target is the new one (17). Where nothing
        is promised any more, a person's date stands as it was given (18)."""
        for name, clock in list(self.live.items()):
            target = self._target_of(clock)
            if target and not clock.breached:
                self._change(clock, target)
            elif target is None and clock.promised is None:
                self.cancel(name, "no_promise")
        self.sync()

    def count_by_calendars_in_force(self) -> None:
        """Count what is not late yet by the newest version of its calendar, from its start on (19)."""
        for clock in self.live.values():
            if not clock.breached:
                clock.hours = self.hours_of(clock.calendar)

    def unexcused(self) -> list[SlowClock]:
        """Clocks that were missed, and not excused."""
        return [clock for clock in [*self.over, *self.live.values()] if clock.breached and not clock.excused]

    def excuse_if_avoided(self, clock: SlowClock) -> None:
        """Excuse a breach that would not have been by what is in force now (19)."""
        until = self._would_be_due(clock)
        if until is None or until >= (clock.ended or self.ticket.now):
            clock.excused, clock.excused_until = True, until

    def _would_be_due(self, clock: SlowClock) -> "datetime | None":
        target = self._target_of(clock)
        if clock.promised or target is None:
            return clock.promised
        thawed = replace(clock, pauses=[*clock.pauses, *self._pauses_after_breach(clock)])
        return thawed.due_by(Target(target, self.hours_of(self.calendar())))

    def _pauses_after_breach(self, clock: SlowClock) -> list[Pause]:
        """Pauses that it would have had since, had it not been breached: known of this cycle, and until it ended or
        now."""
        if clock.breached is None or clock.cycle != self.ticket.cycle:
            return []
        until = clock.ended or self.ticket.now
        later = [pause for pause in self._pauses_since(clock.name, clock.breached) if pause.since < until]
        return [replace(pause, until=min(pause.until or until, until)) for pause in later]

    def _start(self, name: str, target: str, since: "datetime | None") -> None:
        rule, calendar = self._rule(name), self.calendar()
        clock = SlowClock(
            name=name,
            cycle=self.ticket.cycle,
            started=since or self.ticket.now,
            target=target,
            calendar=calendar,
            hours=self.hours_of(calendar),
            warns=rule.warn_at if rule else (0.75,),
            pauses=self._pauses_since(name, since or self.ticket.now),
        )
        self.live[name] = clock

    def _pauses_since(self, name: str, start: "datetime") -> list[Pause]:
        """A clock that starts late has stood still whenever the ticket waited for what pauses it."""
        waited = [it for it in self.ticket.waited if it.reason in self._pausing(name)]
        turns = sorted({start, self.ticket.now, *(it.since for it in waited), *(it.until for it in waited if it.until)})
        pauses: list[Pause] = []
        for at in (turn for turn in turns if turn >= start):
            reasons = frozenset(it.reason for it in waited if it.since <= at and (it.until is None or at < it.until))
            if pauses and pauses[-1].until is None and pauses[-1].reasons != reasons:
                pauses[-1].until = at
            if reasons and (not pauses or pauses[-1].until is not None):
                pauses.append(Pause(at, reasons))
        return pauses

    def _change(self, clock: SlowClock, target: str) -> None:
        calendar, rule = self.calendar(), self._rule(clock.name)
        if calendar != clock.calendar:
            clock.calendar, clock.hours = calendar, self.hours_of(calendar)
        clock.target = target
        clock.warns = rule.warn_at if rule else clock.warns

    def _rule(self, name: str) -> ClockRule | None:
        return self.policy.clocks.get(ClockName(name)) if self.policy else None

    def _target(self, name: str) -> str | None:
        rule = self._rule(name)
        if rule is None:
            return None
        if isinstance(rule.target, str):
            return rule.target
        urgency = Urgency(self.ticket.facts["urgency"])
        return rule.target[urgency] if urgency in rule.target else rule.target.get("*")

    def _target_of(self, clock: SlowClock) -> str | None:
        target = self._target(clock.name)
        return self.policy.settings.callback_retry_after if target and self.policy and clock.is_retry else target

    def _reasons(self, name: str) -> frozenset[str]:
        return self._pausing(name) & frozenset(self.ticket.waits)

    def _pausing(self, name: str) -> frozenset[str]:
        if self.policy is None:
            return frozenset()
        rule = self._rule(name)
        named = rule.paused_by if rule and rule.paused_by is not None else PAUSED_BY_DEFAULT[ClockName(name)]
        return frozenset(str(reason) for reason in named)
