"""A plain model of the ticket's life, written from product.md section 3 and semantics.md alone.

It shares no rule with the code that it judges: names are strings, time is a datetime, a clock is a dictionary.
"""

from datetime import datetime, timedelta
from typing import Any

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
TARGETS = {"acceptance": 2, "information_request": 8, "response": 24, "plan": 12, "progress": 6, "callback": 10,
           "second_callback": 24, "customer_wait": 4}  # fmt: skip
URGENT_RESOLUTION, RESOLUTION, RETRY, INFORMATION_WAIT, WINDOW, ATTEMPTS = 24, 72, 16, 48, 168, 3
OWED = {"customer"}
PAUSED_BY = {"acceptance": OWED, "response": OWED, "plan": OWED, "progress": OWED,
             "resolution": {"customer", "parts", "third_party"}}  # fmt: skip

ANYTIME = "assign chase close-unresolved customer-message merge reclassify respond tag withdraw"
KNOWN = {
    "pending": f"{ANYTIME} accept request-information supply-information promise",
    "processing": f"{ANYTIME} supply-information plan progress wait resolve promise",
    "resolved": f"{ANYTIME} record-callback confirm reopen wait",
    "closed": "tag reopen",
}


class Model:
    """One ticket."""

    def __init__(self, kind: str, now: datetime) -> None:
        self.now = now
        self.kind, self.urgency, self.status, self.cycle = kind, "normal", "pending", 1
        self.accepted = self.complex = self.first_satisfied = self.ended = False
        self.plan = ""
        self.attempts = 0
        self.close_reason = ""
        self.waits: dict[str, datetime | None] = {}
        self.clocks: dict[str, dict[str, Any]] = {}
        self.deadlines: dict[str, datetime] = {}
        self.unexplained: list[str] = []
        self.breaches = 0
        for name in ("acceptance", "response", "resolution"):
            self.start(name)

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

    def clock_states(self) -> dict[str, str]:
        """What every live clock says of itself."""
        return {name: self._state(clock) for name, clock in self.clocks.items()}

    def due(self) -> dict[str, datetime]:
        """When the running clocks are due."""
        return {name: self._due(clock) for name, clock in self.clocks.items() if self._state(clock) == "running"}

    def start(self, name: str, hours: int | None = None) -> None:
        """Start a clock."""
        resolution = URGENT_RESOLUTION if self.urgency == "urgent" else RESOLUTION
        target = hours or TARGETS.get(name, resolution)
        self.clocks[name] = {"start": self.now, "hours": target, "paused": 0 * HOUR, "since": None, "breached": False}
        self._pause_and_resume()

    def pass_to(self, instant: datetime) -> None:
        """Let time pass: waits end, clocks breach, deadlines close, in the order of their instants."""
        while (first := self._first_due(instant)) is not None:
            at, kind, name = first
            self.now = at
            getattr(self, f"_{kind}")(name)
        self.now = instant

    def do(self, command: str, decision: dict[str, Any]) -> None:
        """Carry out a legal command."""
        step = getattr(self, "_do_" + command.replace("-", "_"), None)
        if step:
            step(**decision)

    def _first_due(self, until: datetime) -> tuple[datetime, str, str] | None:
        waits = [(max(at, self.now), "end_wait", name) for name, at in self.waits.items() if at]
        breaches = [(due + TICK, "breach", name) for name, due in self.due().items()]
        deadlines = [(at, "reach", name) for name, at in self.deadlines.items()]
        return min((it for it in waits + breaches + deadlines if it[0] <= until), default=None)

    def _end_wait(self, reason: str) -> None:
        self._stop_waiting(reason)

    def _breach(self, name: str) -> None:
        self.clocks[name]["breached"] = True
        self.unexplained.append(name)
        self.breaches += 1

    def _reach(self, name: str) -> None:
        if name == "window":
            self.deadlines, self.ended = {}, True
        else:
            self._close("information_not_supplied")

    @staticmethod
    def _state(clock: dict[str, Any]) -> str:
        return "breached" if clock["breached"] else "paused" if clock["since"] else "running"

    @staticmethod
    def _due(clock: dict[str, Any]) -> datetime:
        due: datetime = clock.get("promised") or clock["start"] + clock["hours"] * HOUR + clock["paused"]
        return due

    def _pause_and_resume(self) -> None:
        for name, clock in self.clocks.items():
            if clock["breached"]:
                continue
            stands = bool(PAUSED_BY.get(name, set()) & set(self.waits))
            if stands and clock["since"] is None:
                clock["since"] = self.now
            elif not stands and clock["since"] is not None:
                clock["paused"], clock["since"] = clock["paused"] + (self.now - clock["since"]), None

    def _stop_waiting(self, *reasons: str) -> None:
        for reason in reasons or tuple(self.waits):
            self.waits.pop(reason, None)
        if not reasons or "customer" in reasons:
            self.deadlines.pop("information", None)
        self._pause_and_resume()

    def _meet(self, *names: str) -> None:
        for name in names:
            self.clocks.pop(name, None)

    def _answer(self) -> None:
        self._meet("customer_wait")
        if self.status == "processing":
            self.start("progress")

    def _close(self, reason: str) -> None:
        self.clocks, self.waits, self.deadlines = {}, {}, {}
        self.status, self.close_reason = "closed", reason
        if reason == "merged":
            self.ended = True
        else:
            self.deadlines["window"] = self.now + WINDOW * HOUR

    def _begin_handling(self) -> None:
        self.start("progress")
        if self.complex:
            self.start("plan")

    def _do_accept(self, complex: bool = False) -> None:  # noqa: A002 - the command's own word
        self._meet("acceptance", "information_request")
        self._stop_waiting()
        self.status, self.accepted, self.complex = "processing", True, complex or self.complex
        self._begin_handling()

    def _do_request_information(self, **_: Any) -> None:
        self._meet("information_request")
        self.waits.setdefault("customer", None)
        self.deadlines["information"] = self.now + INFORMATION_WAIT * HOUR
        self._pause_and_resume()

    def _do_supply_information(self) -> None:
        self._stop_waiting("customer")

    def _do_customer_message(self) -> None:
        self._stop_waiting("customer")
        if "customer_wait" not in self.clocks:
            self.start("customer_wait")

    def _do_respond(self) -> None:
        self._meet("response")
        self._answer()

    def _do_plan(self, complex: bool | None = None) -> None:  # noqa: A002 - the command's own word
        self.complex = self.complex if complex is None else complex
        if not self.complex:
            self._do_approve_plan()
            return
        self.plan = "proposed"
        if "plan" not in self.clocks:
            self.start("plan")

    def _do_approve_plan(self) -> None:
        self.plan = "approved"
        self._meet("plan")
        self._answer()

    def _do_reject_plan(self) -> None:
        self.plan = "rejected"

    def _do_progress(self, visible: bool) -> None:
        if visible:
            self._answer()

    def _do_wait(self, reason: str, until: str | None = None) -> None:
        ends_at = datetime.fromisoformat(until) if until else None
        if self.status == "resolved":
            clock = self.clocks["second_callback" if self.first_satisfied else "callback"]
            if not clock["breached"]:
                clock["promised"] = ends_at
            return
        self.waits[reason] = ends_at
        self._pause_and_resume()

    def _do_resume(self) -> None:
        self._stop_waiting()

    def _do_resolve(self, **_: Any) -> None:
        self._meet("response", "customer_wait", "resolution", "plan", "progress")
        self._stop_waiting()
        self.status = "resolved"
        self.start("callback")

    def _do_record_callback(self, outcome: str, **_: Any) -> None:
        clock = "second_callback" if self.first_satisfied else "callback"
        self._meet(clock)
        self.attempts += 1
        if outcome in {"dissatisfied", "residual_issue"}:
            self._do_reopen()
        elif outcome == "refused":
            self._close("callback_refused")
        elif outcome != "satisfied":
            self._try_again(clock)
        elif self.kind == "complaint" and not self.first_satisfied:
            self.first_satisfied, self.attempts = True, 0
            self.start("second_callback")
        else:
            self._close("confirmed")

    def _try_again(self, clock: str) -> None:
        if self.attempts < ATTEMPTS:
            self.start(clock, RETRY)
        else:
            self._close("not_reached")

    def _do_confirm(self) -> None:
        self._close("confirmed")

    def _do_reopen(self) -> None:
        self.clocks, self.waits, self.deadlines = {}, {}, {}
        self.cycle, self.plan, self.attempts, self.first_satisfied = self.cycle + 1, "", 0, False
        self.close_reason, self.status = "", "processing" if self.accepted else "pending"
        self.start("resolution")
        if self.accepted:
            self._begin_handling()
        else:
            self.start("acceptance")

    def _do_close_unresolved(self, **_: Any) -> None:
        self._close("unresolved")

    def _do_withdraw(self) -> None:
        self._close("withdrawn")

    def _do_merge(self, **_: Any) -> None:
        self._close("merged")

    def _do_reclassify(self, urgency: str) -> None:
        self.urgency = urgency
        clock = self.clocks.get("resolution")
        if clock and not clock["breached"]:
            clock["hours"] = URGENT_RESOLUTION if urgency == "urgent" else RESOLUTION

    def _do_explain_breach(self, clock: str) -> None:
        self.unexplained.remove(clock)

    def _do_promise(self, resolve_by: str) -> None:
        clock = self.clocks.get("resolution")
        if clock and not clock["breached"]:
            clock["promised"] = datetime.fromisoformat(resolve_by)
