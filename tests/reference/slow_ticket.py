"""Effects of each command on a ticket, told slowly from product.md 3 and 5 and semantics.md 13 to 20."""

from datetime import datetime
from typing import Any

from tests.reference.slow_life import Attempt, SlowLife


class SlowTicket(SlowLife):
    """One ticket; every command is called when it is legal, with the parts of its decision."""

    def _accept(self, complex: bool | None = None, owner: str | None = None, **classified: Any) -> None:  # noqa: A002 - the command's own word
        self.clocks.meet("information_request")
        self.clocks.meet("acceptance")
        self._stop_waiting()
        self._classify(**classified)
        self.owner = owner or self.owner
        self.complex = self.complex if complex is None else complex
        self.status, self.accepted = "processing", self.now
        self._change_policy(anew=True)

    def _request_information(self, *, reached: bool = True, told_by: str | None = None) -> None:
        if not reached and told_by is None:
            return
        for name in ("information_request", "customer_wait"):
            self.clocks.meet(name)
        self.asked = True
        if "customer" not in self.waits:
            self._start_waiting("customer")
        self.clocks.sync()
        self._deadline("information", self.settings.information_wait)

    def _supply_information(
        self, safety_risk: bool = False, affected_count: int | None = None, complete: bool = True, **_: Any
    ) -> None:
        self.complete = complete
        self._stop_waiting("customer")
        self._classify(affected_count=affected_count)
        if safety_risk and not self.facts["safety_risk"]:
            self._classify(safety_risk=True, urgency="urgent")
        self._change_policy()

    def _customer_message(self) -> None:
        self._stop_waiting("customer")
        if "customer_wait" not in self.clocks.live:
            self.clocks.start("customer_wait")

    def _assign(self, department: str | None = None, owner: str | None = None, owner_off: bool = False) -> None:
        if owner_off or department not in {None, self.facts["department"]}:
            self.owner = None
        self._classify(department=department)
        self.owner = owner or self.owner
        self._change_policy()

    def _respond(self, **how: Any) -> None:
        if self._tell_customer(**how):
            self.responded = True
            self.clocks.meet("response")

    def _plan(self, complex: bool | None = None, **how: Any) -> None:  # noqa: A002 - the command's own word
        self.complex = self.complex if complex is None else complex
        if not self.complex:
            self._approve_plan(**how)
            return
        self.plan = "proposed"
        if "plan" not in self.clocks.live:
            self.clocks.start("plan")

    def _approve_plan(self, **how: Any) -> None:
        self.plan = "approved"
        self.clocks.meet("plan")
        self._tell_customer(**how)

    def _reject_plan(self) -> None:
        self.plan = "rejected"

    def _progress(self, visible: bool, **how: Any) -> None:
        if visible:
            self._tell_customer(**how)

    def _wait(self, reason: str, until: str | None = None) -> None:
        ends_at = datetime.fromisoformat(until) if until else None
        if self.status != "resolved":
            self._start_waiting(reason, ends_at)
            self.clocks.sync()
        elif ends_at:
            self.clocks.promise("second_callback" if self.first_satisfied else "callback", ends_at)

    def _resume(self) -> None:
        self._stop_waiting()

    def _resolve(self, **_: Any) -> None:
        self.responded = True
        for name in ("response", "customer_wait", "resolution"):
            self.clocks.meet(name)
        for name in ("plan", "progress"):
            self.clocks.cancel(name, "resolved")
        self._stop_waiting()
        self.status, self.resolved = "resolved", self.now
        self.clocks.start("callback")
        if self.facts["kind"] == "complaint" and self.settings.second_callback_from == "resolution":
            self.clocks.start("second_callback")

    def _record_callback(self, outcome: str, channel: str, customer_channels: list[str], **_: Any) -> None:
        vain = outcome in {"not_reached", "wrong_number"}
        clock = "second_callback" if self.first_satisfied else "callback"
        if vain and not self._is_new_attempt(channel, customer_channels):
            self._keep_an_early_date(clock)
            return
        self.clocks.meet(clock)
        if not vain:
            self.clocks.meet("customer_wait")
        self.attempts += 1
        if outcome in {"dissatisfied", "residual_issue"}:
            self._reopen()
        elif outcome == "refused":
            self._close("callback_refused")
        elif vain:
            self._try_again(clock)
        elif self.facts["kind"] == "complaint" and not self.first_satisfied:
            self.first_satisfied, self.attempts, self.vain = True, 0, []
            if "second_callback" not in self.clocks.live:
                self.clocks.start("second_callback")
        else:
            self._close("confirmed")

    def _keep_an_early_date(self, clock: str) -> None:
        """A date on which no attempt can count is kept by one that does not."""
        live = self.clocks.live.get(clock)
        due = live.due() if live else None
        if due and self.vain and not self.vain[-1].is_followed_by(due):
            self.clocks.meet(clock)
            self.clocks.start_retry(clock)

    def _is_new_attempt(self, channel: str, customer_channels: list[str]) -> bool:
        """On a later working day than those that count; while one of several channels that the customer has is untried,
        not by one that was tried (product.md 3.6)."""
        if self.vain and not self.vain[-1].is_followed_by(self.now):
            return False
        tried = {attempt.channel for attempt in self.vain}
        if channel in tried and len(customer_channels) > 1 and set(customer_channels) - tried:
            return False
        self.vain.append(Attempt(channel, self.now, self.clocks.hours_of(self.clocks.calendar())))
        return True

    def _try_again(self, clock: str) -> None:
        if self.attempts < self.settings.callback_attempts:
            self.clocks.start_retry(clock)
        else:
            self._close("not_reached")

    def _confirm(self) -> None:
        self._close("confirmed")

    def _reopen(self) -> None:
        self.clocks.cancel_all("reopened")
        self.waits, self.waited, self.deadlines, self.began = {}, [], {}, self.now
        self.cycle, self.plan, self.attempts, self.first_satisfied = self.cycle + 1, "", 0, False
        self.vain = []
        self.close_reason, self.status = "", "processing" if self.accepted else "pending"
        self.clocks.start("resolution")
        if self.accepted:
            self._begin_handling()
        else:
            self.clocks.start("acceptance")

    def _close_unresolved(self, **_: Any) -> None:
        self._close("unresolved")

    def _withdraw(self) -> None:
        self._close("withdrawn")

    def _merge(self, **_: Any) -> None:
        self._close("merged")

    def _join(self, copy_no: str) -> None:
        if self.status == "closed" and copy_no not in self.copies:
            self._reopen()
        self.copies.add(copy_no)

    def _reclassify(self, **classified: Any) -> None:
        self._classify(**classified)
        self._change_policy()

    def _explain_breach(self, clock: str) -> None:
        explained = next(it for it in self.unexplained if it.name == clock)
        self.unexplained.remove(explained)
        self.owed = [it for it in self.owed if it is not explained]

    def _chase(self) -> None:
        """Moves nothing."""

    def _tag(self, **_: Any) -> None:
        """Moves nothing."""

    def _promise(self, respond_by: str | None = None, resolve_by: str | None = None) -> None:
        for name, date in (("response", respond_by), ("resolution", resolve_by)):
            answered = name == "response" and self.responded and name not in self.clocks.live
            if date and not answered:
                self.clocks.promise(name, datetime.fromisoformat(date))
