"""Random lives of a ticket, step by step against the slow reference of `tests/reference` (I7 to I11, rules 6 to 22)."""

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.contracts.base import format_instant
from services.contracts.policy import Condition
from services.contracts.vocabulary import CommandName
from services.workflow.lifecycle.life import IllegalCommand
from services.workflow.lifecycle.transitions import legal_commands
from tests.reference import builders, comparison
from tests.reference.due_times import Dues
from tests.reference.previews import Previewed
from tests.reference.slow_clocks import PromisesInForce
from tests.reference.slow_hours import Hours
from tests.reference.slow_ticket import SlowTicket
from tests.reference.ticket_driver import LI_LEI, WANG_FANG, Catalogue, DrivenTicket
from tests.unit.workflow.ticket_driver import assert_legal_journal

pytestmark = pytest.mark.timeout(12 * 3600 if os.environ.get("BIHUAN_NIGHTLY") else 300)

NIGHTLY = bool(os.environ.get("BIHUAN_NIGHTLY"))
RUNS = int(os.environ.get("BIHUAN_NIGHTLY_RUNS", "10000")) if NIGHTLY else 150
STEPS = 50 if NIGHTLY else 30

SECONDS = st.sampled_from([0, 0, 1, 60, 3600, 7200, 8 * 3600, 86_400, 3 * 86_400]) | st.integers(0, 6 * 86_400)
NEAR = st.sampled_from([timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1), timedelta(seconds=1)])
OUTCOMES = ["satisfied", "dissatisfied", "residual_issue", "not_reached", "not_reached", "wrong_number", "refused"]
RARE = {"merge", "join", "withdraw", "close-unresolved", "tag", "chase"}
ONWARDS = {"accept", "plan", "approve-plan", "progress", "wait", "resume", "resolve", "record-callback", "reopen"}
SEEDS = st.integers(0, 400)


class TicketLife(RuleBasedStateMachine):
    """The real life and the slow one, side by side."""

    catalogue: Catalogue
    in_force: PromisesInForce
    real: DrivenTicket
    slow: SlowTicket

    @initialize(
        start=st.sampled_from(builders.STARTS),
        kind=st.sampled_from(["fault", "complaint"]),
        urgency=st.sampled_from(["urgent", "normal", "low"]),
        tier=st.sampled_from(["standard", "vip"]),
        complete=st.booleans(),
        seeds=st.tuples(SEEDS, SEEDS),
    )
    def register(
        self, start: datetime, kind: str, urgency: str, tier: str, complete: bool, seeds: tuple[int, int]
    ) -> None:
        """A feedback arrives; urgent ones may have a policy of their own."""
        narrow = Condition.model_validate({"urgency": "urgent"}), Condition.model_validate({"department": "field"})
        policies = [builders.policy(seeds[1], "narrow", applies=narrow), builders.policy(seeds[0])]
        self.catalogue = Catalogue(policies)
        self.in_force = PromisesInForce(policies, {})
        for id_ in builders.CALENDARS:
            self._publish(id_, 1)
        facts = {"kind": kind, "category": "product_fault", "urgency": urgency, "tier": tier, "channel": "web",
                 "department": None, "affected_count": 1, "safety_risk": False}  # fmt: skip
        self.real = DrivenTicket(self.catalogue, facts, start, complete=complete)
        self.slow = SlowTicket(self.in_force, facts, start, complete=complete)
        self.over, self.dues = comparison.Over(), Dues()

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        """With an engine that is on time."""
        self._go_to(self.real.now + timedelta(seconds=seconds))

    @rule(seconds=SECONDS)
    def time_passes_during_an_outage(self, seconds: int) -> None:
        """With an engine that finds everything late."""
        self.real.sleep_until(self.real.now + timedelta(seconds=seconds))
        self.slow.pass_to(self.real.now)

    @rule(off=NEAR)
    def time_passes_to_the_next_boundary(self, off: timedelta) -> None:
        """Just before something is due, when it is, and just after."""
        if next_at := self.slow.next_instant():
            self._go_to(max(next_at + off, self.real.now))

    @rule(command=st.sampled_from(CommandName), data=st.data())
    def somebody_gives_a_command(self, command: CommandName, data: st.DataObject) -> None:
        """Legal or not."""
        self._give(command, data)

    @rule(data=st.data(), seconds=SECONDS)
    def somebody_gives_a_legal_command(self, data: st.DataObject, seconds: int) -> None:
        """So that lives become long."""
        self._go_to(self.real.now + timedelta(seconds=seconds))
        self._give_one_of(self.slow.allowed() - RARE, data)

    @rule(data=st.data(), seconds=SECONDS)
    def handling_goes_on(self, data: st.DataObject, seconds: int) -> None:
        """So that they become eventful."""
        self._go_to(self.real.now + timedelta(seconds=seconds))
        self._give_one_of(self.slow.allowed() & ONWARDS, data)

    @rule(seed=SEEDS, recalculate=st.booleans())
    def a_policy_is_published(self, seed: int, recalculate: bool) -> None:
        """For tickets that are accepted from now on, or for open ones too."""
        version = self.catalogue.policies[-1].version + 1
        policies = [*self.catalogue.policies[:-1], builders.policy(seed, version=version)]
        self.catalogue.policies = self.in_force.policies = policies
        self._recalculate(recalculate)

    @rule(
        id_=st.sampled_from(builders.CALENDARS), version=st.sampled_from(builders.VERSIONS), recalculate=st.booleans()
    )
    def a_calendar_is_published(self, id_: str, version: int, recalculate: bool) -> None:
        """For clocks that start from now on, or for running ones too."""
        self._publish(id_, version)
        self._recalculate(recalculate)

    @invariant()
    def both_agree(self) -> None:
        """On phase, legal commands, cycle, every clock and every breach."""
        state, slow = self.real.state, self.slow
        assert state.phase == slow.phase
        assert {str(command) for command in legal_commands(state)} == slow.allowed()
        assert (state.cycle, str(state.close_reason or ""), state.ended) == (slow.cycle, slow.close_reason, slow.ended)
        comparison.assert_same_clocks(state.clocks, self.real.finished(), self.real.journal, slow)

    @invariant()
    def somebody_watches(self) -> None:
        """Invariant I9."""
        comparison.assert_somebody_watches(self.real)

    @invariant()
    def nothing_is_told_twice_or_changed_afterwards(self) -> None:
        """Invariants I7, I10 and I11, rule 11."""
        assert_legal_journal(self.real.journal)
        comparison.assert_true_breaches(self.real)
        self.over.assert_unchanged(self.real)
        self.dues.assert_moved_by_entries(self.real)

    def _go_to(self, instant: datetime) -> None:
        self.real.wait_until(instant)
        self.slow.pass_to(instant)

    def _recalculate(self, asked: bool) -> None:
        if asked:
            previewed = Previewed(self.real, self.slow)
            self.real.recalculate()
            self.slow.recalculate()
            previewed.assert_came_true(self.slow)
            self.slow.pass_to(self.slow.now)

    def _publish(self, id_: str, version: int) -> None:
        stored = builders.STORED[id_, version]
        self.catalogue.publish(stored)
        self.in_force.calendars[id_] = Hours(stored)

    def _give_one_of(self, commands: set[str], data: st.DataObject) -> None:
        if commands:
            self._give(CommandName(data.draw(st.sampled_from(sorted(commands)))), data)

    def _give(self, command: CommandName, data: st.DataObject) -> None:
        decision = self._decision(command, data)
        before = self.real.state.model_dump()
        actor = data.draw(st.sampled_from([WANG_FANG, LI_LEI]))
        refused = command not in self.slow.allowed() or self.slow.owes_a_reason(command, actor.id)
        if refused or self._is_impossible(command, decision):
            with pytest.raises(IllegalCommand):
                self.real.do(command, actor, **decision)
            assert self.real.state.model_dump() == before
            return
        self.real.do(command, actor, **decision)
        self.slow.do(str(command), {key: value for key, value in decision.items() if key not in comparison.SILENT})
        self.slow.pass_to(self.slow.now)

    def _is_impossible(self, command: CommandName, decision: dict[str, Any]) -> bool:
        """Refused for what it says, not for when it is said."""
        if command is CommandName.WAIT:
            return self.slow.status == "resolved" and decision["reason"] != "appointment"
        return command is CommandName.EXPLAIN_BREACH and decision["clock"] not in self._unexplained()

    def _unexplained(self) -> list[str]:
        return [clock.name for clock in self.slow.unexplained]

    def _decision(self, command: CommandName, data: st.DataObject) -> dict[str, Any]:
        strategy = getattr(self, f"_{command.name.lower()}_decisions", None)
        decision: dict[str, Any] = data.draw(strategy()) if strategy else FIXED.get(command, {})
        return decision

    def _instants(self) -> st.SearchStrategy[str]:
        near = st.integers(-60, 5 * 24 * 60).map(lambda minutes: self.real.now + timedelta(minutes=minutes))
        return near.map(format_instant)

    def _accept_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from([{}, {"complex": True}, {"urgency": "urgent"}, {"department": "field"}])

    def _assign_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from(
            [
                {"owner": "li-lei"},
                {"owner_off": True},
                {"department": "field"},
                {"department": "shop", "owner": "li-lei"},
            ]
        )

    def _supply_information_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from(
            [{"fields": ["product.serial_no"]}, {"affected_count": 6}, {"safety_risk": True}, {"complete": False}]
        )

    def _plan_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return _and_how([{}, {"complex": True}, {"complex": False}])

    def _progress_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return _and_how([{"visible": True}, {"visible": False}])

    def _respond_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return _and_how([{}])

    def _approve_plan_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return _and_how([{}])

    def _request_information_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return _and_how([{"fields": ["product.serial_no"]}])

    def _wait_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        until = {"until": self._instants()}
        appointment = st.fixed_dictionaries({"reason": st.just("appointment"), **until})
        reasons = st.sampled_from(["customer", "parts", "third_party"])
        return appointment | st.fixed_dictionaries({"reason": reasons}, optional=until)

    def _record_callback_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {
                "outcome": st.sampled_from(OUTCOMES),
                "channel": st.sampled_from(["phone", "phone", "email", "visit"]),
                "customer_channels": st.sampled_from([[], ["phone"], ["phone", "email"]]),
            }
        )

    def _reclassify_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        urgency = {"urgency": st.sampled_from(["urgent", "normal", "low"])}
        return st.fixed_dictionaries(urgency, optional={"department": st.just("field")})

    def _explain_breach_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"clock": st.sampled_from(self._unexplained() or ["acceptance"])})

    def _promise_decisions(self) -> st.SearchStrategy[dict[str, Any]]:
        respond = st.fixed_dictionaries({"respond_by": self._instants()})
        return respond | st.fixed_dictionaries({"resolve_by": self._instants()})


def _and_how(decisions: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """The same decisions, heard by the customer and not: by our message, otherwise, or not at all."""
    how = st.sampled_from([{}, {}, {"reached": False}, {"reached": False, "told_by": "phone"}, {"told_by": "visit"}])
    return st.tuples(st.sampled_from(decisions), how).map(lambda both: both[0] | both[1])


FIXED: dict[CommandName, dict[str, Any]] = {
    CommandName.RESOLVE: {"result": "resolved"},
    CommandName.CLOSE_UNRESOLVED: {"reason_code": "no_spare_parts"},
    CommandName.MERGE: {"into": "20260302002"},
    CommandName.JOIN: {"copy_no": "20260302003"},
    CommandName.TAG: {"add": ["seen"]},
}

TestTicketLife = TicketLife.TestCase
TestTicketLife.settings = settings(
    max_examples=RUNS,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
