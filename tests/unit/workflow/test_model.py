"""Random commands and random hours: the ticket's life against a plain model of it (invariants I7, I9, I10)."""

import os
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.contracts.base import format_instant
from services.contracts.policy import Policy
from services.contracts.words import ClockName, CommandName, Kind, Phase
from services.workflow.life import IllegalCommand
from services.workflow.lifecycle import legal_commands
from tests.unit.workflow import model
from tests.unit.workflow.lives import MONDAY_9, Case, assert_legal_journal, promises
from tests.unit.workflow.model import Model

NIGHTLY = bool(os.environ.get("BIHUAN_NIGHTLY"))
MINUTES = st.sampled_from([0, 1, 59, 60, 120, 121, 600, 24 * 60, 24 * 60 + 1]) | st.integers(0, 10 * 24 * 60)
OUTCOMES = ["satisfied", "dissatisfied", "residual_issue", "not_reached", "not_reached", "wrong_number", "refused"]


def policy_of_the_model() -> Policy:
    """The promises that the model knows, by the wall clock."""
    targets: dict[ClockName, Any] = {ClockName(name): f"PT{hours}H" for name, hours in model.TARGETS.items()}
    targets[ClockName.RESOLUTION] = {"urgent": f"PT{model.URGENT_RESOLUTION}H", "*": f"PT{model.RESOLUTION}H"}
    return promises(
        targets,
        information_wait=f"PT{model.INFORMATION_WAIT}H",
        callback_retry_after=f"PT{model.RETRY}H",
        callback_attempts=model.ATTEMPTS,
        reopen_window=f"PT{model.WINDOW}H",
    )


class TicketLife(RuleBasedStateMachine):
    """Both lives side by side."""

    case: Case
    model: Model

    @initialize(kind=st.sampled_from([Kind.FAULT, Kind.COMPLAINT]))
    def register(self, kind: Kind) -> None:
        """A feedback arrives."""
        self.case, self.model = Case(policy_of_the_model(), kind=kind), Model(str(kind), MONDAY_9)

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        """With an engine that is on time."""
        self.case.wait(timedelta(minutes=minutes))
        self.model.pass_to(self.case.now)

    @rule(minutes=MINUTES)
    def time_passes_during_an_outage(self, minutes: int) -> None:
        """With an engine that finds everything late."""
        self.case.sleep(timedelta(minutes=minutes))
        self.model.pass_to(self.case.now)

    @rule(command=st.sampled_from(CommandName), data=st.data())
    def somebody_gives_a_command(self, command: CommandName, data: st.DataObject) -> None:
        """Legal or not."""
        self._give(command, data)

    @rule(data=st.data())
    def somebody_gives_a_legal_command(self, data: st.DataObject) -> None:
        """So that lives become long."""
        if legal := sorted(self.model.allowed() - {"merge", "withdraw", "close-unresolved"}):
            self._give(CommandName(data.draw(st.sampled_from(legal))), data)

    @invariant()
    def both_agree(self) -> None:
        """On phase, legal commands, cycle, clocks, due times and breaches."""
        state, expected = self.case.state, self.model
        assert state.phase == expected.phase
        assert {str(command) for command in legal_commands(state)} == expected.allowed()
        assert (state.cycle, str(state.close_reason or ""), state.ended) == (
            expected.cycle,
            expected.close_reason,
            expected.ended,
        )
        assert {str(clock.name): str(clock.state) for clock in state.clocks} == expected.clock_states()
        assert {str(clock.name): clock.due_at for clock in state.clocks if clock.state == "running"} == expected.due()
        assert len(self.case.breaches()) == expected.breaches

    @invariant()
    def the_journal_is_a_legal_path(self) -> None:
        """Invariants I7 and I10."""
        assert_legal_journal(self.case.journal)
        assert len({self._alert(event) for event in self.case.events("clock.breached")}) == len(self.case.breaches())

    @invariant()
    def an_open_ticket_has_a_clock(self) -> None:
        """Invariant I9, under a policy that promises everything."""
        assert self.case.phase is Phase.CLOSED or self.case.state.clocks

    @staticmethod
    def _alert(event: Any) -> tuple[Any, ...]:
        return tuple(event.data[key] for key in ("clock", "clock_cycle", "round"))

    def _give(self, command: CommandName, data: st.DataObject) -> None:
        decision = self._decision(command, data)
        before = self.case.state.model_dump()
        if command not in self.model.allowed() or self._is_impossible(command, decision):
            with pytest.raises(IllegalCommand):
                self.case.do(command, **decision)
            assert self.case.state.model_dump() == before
            return
        self.case.do(command, **decision).wait(timedelta(0))
        self.model.do(str(command), decision)
        self.model.pass_to(self.model.now)

    def _is_impossible(self, command: CommandName, decision: dict[str, Any]) -> bool:
        """Refused for what it says, not for when it is said."""
        if command is CommandName.WAIT:
            return self.model.status == "resolved" and decision["reason"] != "appointment"
        return command is CommandName.EXPLAIN_BREACH and decision["clock"] not in self.model.unexplained

    def _decision(self, command: CommandName, data: st.DataObject) -> dict[str, Any]:
        name = command.name.lower()
        strategy = getattr(self, f"_{name}_decisions", None)
        decision: dict[str, Any] = data.draw(strategy()) if strategy else FIXED.get(command, {})
        return decision

    def _instants(self) -> st.SearchStrategy[str]:
        near = st.integers(-60, 5 * 24 * 60).map(lambda minutes: self.case.now + timedelta(minutes=minutes))
        return near.map(format_instant)

    def _accept_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from([{}, {"complex": True}])

    def _plan_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from([{}, {"complex": True}, {"complex": False}])

    def _progress_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"visible": st.booleans()})

    def _wait_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        until = {"until": self._instants()}
        appointment = st.fixed_dictionaries({"reason": st.just("appointment"), **until})
        reasons = st.sampled_from(["customer", "parts", "third_party"])
        return appointment | st.fixed_dictionaries({"reason": reasons}, optional=until)

    def _record_callback_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"outcome": st.sampled_from(OUTCOMES), "channel": st.just("phone")})

    def _reclassify_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"urgency": st.sampled_from(["urgent", "normal"])})

    def _explain_breach_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"clock": st.sampled_from(self.model.unexplained or ["acceptance"])})

    def _promise_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"resolve_by": self._instants()})


FIXED: dict[CommandName, dict[str, Any]] = {
    CommandName.REQUEST_INFORMATION: {"fields": ["product.serial_no"]},
    CommandName.ASSIGN: {"owner": "li-lei"},
    CommandName.RESOLVE: {"result": "resolved"},
    CommandName.CLOSE_UNRESOLVED: {"reason_code": "no_spare_parts"},
    CommandName.MERGE: {"into": "20260302002"},
    CommandName.TAG: {"add": ["seen"]},
}

TestTicketLife = TicketLife.TestCase
TestTicketLife.settings = settings(
    max_examples=2_000 if NIGHTLY else 100,
    stateful_step_count=60 if NIGHTLY else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
