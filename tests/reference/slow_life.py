"""The life of one ticket, told slowly from product.md 3 and 5 and semantics.md: what is legal, what time does, how
waiting, closing and another policy move the clocks.

It shares no rule with the code that it judges: commands, phases and clocks are plain words, and nothing is remembered
that could be worked out again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.contracts.policy import Policy, PolicySettings
from tests.reference.slow_clock import TICK, SlowClock
from tests.reference.slow_clocks import PromisesInForce, SlowClocks, Stretch
from tests.reference.slow_hours import DAY, Hours, Target

ANYTIME = "assign chase close-unresolved customer-message join merge reclassify respond tag withdraw"
KNOWN = {
    "pending": f"{ANYTIME} accept request-information supply-information promise",
    "processing": f"{ANYTIME} supply-information plan progress wait resolve promise",
    "resolved": f"{ANYTIME} record-callback confirm reopen wait",
    "closed": "tag reopen join",
}
"""What product.md 3 lets be done in each status, whoever asks."""
HANDLING = {"respond", "plan", "progress", "wait", "resume", "resolve"}
THE_OWNERS = {"response", "plan", "progress", "resolution", "customer_wait"}
"""Clocks whose breach first tells the owner (product.md 5)."""


@dataclass
class Attempt:
    """A vain callback that counts."""

    channel: str
    at: datetime
    hours: Hours

    def is_followed_by(self, at: datetime) -> bool:
        """Whether another working day has begun by then; an attempt on a day off is the next working day's."""
        day, last = self.hours.working_day_of(self.at), self.hours.day_of(at)
        while day < last:
            day += DAY
            if self.hours.on(day):
                return True
        return False


class SlowLife:
    """One ticket, `now` being as far as it has been told."""

    def __init__(
        self, in_force: PromisesInForce, facts: dict[str, Any], now: datetime, *, complete: bool = True
    ) -> None:
        self.now, self.received = now, now
        self.facts, self.status, self.cycle = dict(facts), "pending", 1
        self.accepted: datetime | None = None
        self.complete, self.asked = complete, False
        self.responded = self.complex = self.first_satisfied = self.ended = False
        self.plan = self.close_reason = ""
        self.attempts = 0
        self.copies: set[str] = set()
        self.vain: list[Attempt] = []
        self.deadlines: dict[str, datetime] = {}
        self.unexplained: list[SlowClock] = []
        self.owed: list[SlowClock] = []
        """Missed by an owner: the owner's next step needs their reason (product.md 5)."""
        self.owner: str | None = None
        self.began = now
        self.resolved: datetime | None = None
        self.waits: dict[str, datetime | None] = {}
        self.waited: list[Stretch] = []
        """For what the ticket has waited in this cycle, and since when it waits now."""
        self.clocks = SlowClocks(in_force, self)
        self.clocks.choose_policy()
        for name in ("acceptance", "response", "resolution") if complete else (
            "acceptance", "information_request", "response", "resolution"):  # fmt: skip
            self.clocks.start(name)

    @property
    def policy(self) -> Policy | None:
        """The policy that the ticket lives by."""
        return self.clocks.policy

    @property
    def settings(self) -> PolicySettings:
        """Settings besides clocks."""
        return self.policy.settings if self.policy else PolicySettings()

    @property
    def phase(self) -> str:
        """The phase in the words of the API."""
        detail = {
            "pending": "awaiting_information" if "customer" in self.waits else "review",
            "processing": "waiting" if self.waits else "planned" if self.plan == "approved" else "assigned",
            "resolved": "awaiting_second_callback" if self.first_satisfied else "awaiting_callback",
            "closed": "",
        }[self.status]
        return f"{self.status}.{detail}" if detail else self.status

    def allowed(self) -> set[str]:
        """The legal commands."""
        if self.ended:
            return set()
        legal = set(KNOWN[self.status].split())
        if self.status == "processing" and self.waits:
            legal.add("resume")
        if self.status == "processing" and self.plan == "proposed":
            legal |= {"approve-plan", "reject-plan"}
        if self.unexplained:
            legal.add("explain-breach")
        return legal

    def owes_a_reason(self, command: str, actor: str) -> bool:
        """Whether the owner has to say first why a promise was missed."""
        return command in HANDLING and actor == self.owner and bool(self.owed)

    def do(self, command: str, decision: dict[str, Any]) -> None:
        """Carry out a legal command."""
        getattr(self, "_" + command.replace("-", "_"))(**decision)

    def pass_to(self, instant: datetime) -> None:
        """Let time pass: waits end, clocks are breached, deadlines reached, in the order of their instants."""
        while (first := self._first_due(instant)) is not None:
            self.now, kind, what = first
            getattr(self, f"_time_{kind}")(what)
        self.now = instant

    def recalculate(self) -> None:
        """Take over what is in force now: it was published for open tickets too (19); a closed one is left alone."""
        if self.status == "closed":
            return
        late = self.clocks.unexcused()
        self._change_policy(anew=True)
        self.clocks.count_by_calendars_in_force()
        for clock in late:
            self.clocks.excuse_if_avoided(clock)

    def next_instant(self) -> datetime | None:
        """The instant at which time will do something next."""
        first = self._first_due(None)
        return first[0] if first else None

    def _first_due(self, until: datetime | None) -> tuple[datetime, str, Any] | None:
        waits = [(max(at, self.now), "ends_wait", reason) for reason, at in self.waits.items() if at]
        running = [clock for clock in self.clocks.live.values() if clock.state == "running"]
        breaches = [(max(due + TICK, self.now), "breaches", clock) for clock in running if (due := clock.due())]
        reached = [(at, "reaches", name) for name, at in self.deadlines.items()]
        agenda: list[tuple[datetime, str, Any]] = [*waits, *breaches, *reached]
        return min((it for it in agenda if until is None or it[0] <= until), key=lambda it: it[0], default=None)

    def _time_ends_wait(self, reason: str) -> None:
        self._stop_waiting(reason)

    def _time_breaches(self, clock: SlowClock) -> None:
        clock.breached = clock.due()
        self.unexplained.append(clock)
        self.clocks.breaches.append(clock)
        if clock.name in THE_OWNERS and self.owner:
            self.owed.append(clock)

    def _time_reaches(self, name: str) -> None:
        if name == "window":
            self.deadlines, self.ended = {}, True
        else:
            self._close("information_not_supplied")

    def _deadline(self, name: str, after: str) -> None:
        self.deadlines[name] = Target(after, self.clocks.hours_of(self.clocks.calendar())).after(self.now)

    def _stop_waiting(self, *reasons: str) -> None:
        for reason in reasons or tuple(self.waits):
            self._stop_one(reason)
        if not reasons or "customer" in reasons:
            self.deadlines.pop("information", None)
        self.clocks.sync()

    def _stop_one(self, reason: str) -> None:
        if reason in self.waits:
            del self.waits[reason]
            next(it for it in self.waited if it.reason == reason and it.until is None).until = self.now

    def _start_waiting(self, reason: str, until: datetime | None = None) -> None:
        self._stop_one(reason)
        self.waits[reason] = until
        self.waited.append(Stretch(reason, self.now))

    def _tell_customer(self, *, reached: bool = True, told_by: str | None = None) -> bool:
        """A visible answer: nobody waits for one (15), and progress starts anew while somebody handles it (14). What no
        channel carried, and nobody said in another way, is none."""
        if not reached and told_by is None:
            return False
        self.clocks.meet("customer_wait")
        if self.status == "processing" and self.clocks.meet("progress"):
            self.clocks.start("progress")
        return True

    def _close(self, reason: str) -> None:
        self.clocks.cancel_all(reason)
        self.waits, self.waited, self.deadlines = {}, [], {}
        self.status, self.close_reason = "closed", reason
        if reason == "merged":
            self.ended = True
        else:
            self._deadline("window", self.settings.reopen_window)

    def _begin_handling(self) -> None:
        self.clocks.start("progress")
        if self.complex:
            self.clocks.start("plan")

    def _change_policy(self, *, anew: bool = False) -> None:
        """The first policy that matches what the ticket is now, its targets from the old starts on (17)."""
        self.clocks.choose_policy(anew=anew)
        self.clocks.retarget()
        for name, since in self._owed_clocks():
            if name not in self.clocks.live:
                self.clocks.start(name, since)
        if self.status == "resolved":
            self._owe_a_callback("second_callback" if self.first_satisfied else "callback")
        if self.status == "resolved" and self._is_second_promised and "second_callback" not in self.clocks.live:
            self.clocks.start("second_callback", self.resolved)

    def _owe_a_callback(self, name: str) -> None:
        """A resolved ticket waits for a callback, or for another attempt at it (I9)."""
        if name in self.clocks.live:
            return
        if self.attempts:
            self.clocks.start_retry(name)
        elif self.first_satisfied and self.settings.second_callback_from == "confirmation":
            self.clocks.start(name)
        else:
            self.clocks.start(name, self.resolved)

    @property
    def _is_second_promised(self) -> bool:
        """A complaint's, from the resolution on, whatever becomes of the first (D3)."""
        from_resolution = self.settings.second_callback_from == "resolution"
        return from_resolution and self.facts["kind"] == "complaint" and not self.first_satisfied

    def _owed_clocks(self) -> Iterator[tuple[str, datetime]]:
        """Clocks that a ticket in this state has if its policy promises them, and since when."""
        if self.status in {"pending", "processing"}:
            yield "resolution", self.began
        if self.status == "pending":
            yield "acceptance", self.began
        if self.status == "pending" and self.cycle == 1 and not self.complete and not self.asked:
            yield "information_request", self.received
        if self.status in {"pending", "processing"} and self.cycle == 1 and not self.responded:
            yield "response", self.received
        if self.status == "processing":
            yield "progress", self.now
        if self.status == "processing" and self.complex and self.plan != "approved":
            yield "plan", self.now

    def _classify(self, **changed: Any) -> None:
        self.facts |= {name: value for name, value in changed.items() if value is not None}
