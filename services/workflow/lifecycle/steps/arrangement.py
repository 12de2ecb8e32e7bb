"""Steps that arrange a ticket: whose it is, what it is, and notes about it."""

from datetime import datetime

from services.contracts.commands.arrangement import Assign, Chase, ExplainBreach, Promise, Reclassify, Tag
from services.contracts.commands.update import Command
from services.contracts.journal import EventType
from services.contracts.vocabulary import ClockName
from services.workflow.lifecycle.life import IllegalCommand, Life, instant
from services.workflow.lifecycle.steps.classification import (
    classification,
    classify,
    own,
    ownership,
    retarget,
)


def assign(life: Life, command: Command, decision: Assign, now: datetime) -> None:
    """Give the ticket to a department, a person, or both."""
    before, state = life.state.phase, life.state
    if decision.department not in {None, state.department}:
        # The old department's people do not follow; who is named below belongs to the new one.
        state.department, state.owner, state.co_owners = decision.department, None, ()
    state.department_named = state.department_named or decision.department is not None
    if decision.owner_off:
        state.owner = None
    own(life, decision, now)
    state.assigned_at = now
    if command.policy_chosen:
        retarget(life, command, now)
    data = {**ownership(life), "policy": life.policy_name if command.policy_chosen else None}
    life.write(EventType.ASSIGNED, now, command.actor, before, data)


def reclassify(life: Life, command: Command, decision: Reclassify, now: datetime) -> None:
    """Correct what the ticket is."""
    before = life.state.phase
    classify(life, decision)
    life.state.department = decision.department or life.state.department
    retarget(life, command, now)
    life.write(EventType.RECLASSIFIED, now, command.actor, before, classification(life))


def promise(life: Life, command: Command, decision: Promise, now: datetime) -> None:
    """Promise dates instead of targets (18)."""
    if decision.respond_by:
        _promise_response(life, decision.respond_by, now)
    if decision.resolve_by:
        life.ledger.promise(ClockName.RESOLUTION, decision.resolve_by, now)
    data = {"respond_by": instant(decision.respond_by), "resolve_by": instant(decision.resolve_by)}
    life.write(EventType.PROMISED, now, command.actor, life.state.phase, data)


def chase(life: Life, command: Command, _: Chase, now: datetime) -> None:
    """Remind the owner; it moves nothing."""
    life.write(EventType.CHASED, now, command.actor, life.state.phase, {"owner": life.state.owner})


def tag(life: Life, command: Command, decision: Tag, now: datetime) -> None:
    """Add and remove tags."""
    kept = [it for it in life.state.tags if it not in decision.remove]
    life.state.tags = tuple(dict.fromkeys([*kept, *decision.add]))
    data = {"add": list(decision.add), "remove": list(decision.remove)}
    life.write(EventType.TAGGED, now, command.actor, life.state.phase, data)


def explain_breach(life: Life, command: Command, decision: ExplainBreach, now: datetime) -> None:
    """Note why a clock was missed."""
    key = life.ledger.explain(decision.clock)
    if key is None:
        raise IllegalCommand(life.state, f"no unexplained breach of {decision.clock}")
    _, cycle, round_ = key.split("/")
    data = {"clock": decision.clock, "cycle": int(cycle), "round": int(round_)}
    life.write(EventType.CLOCK_EXPLAINED, now, command.actor, life.state.phase, data)


def _promise_response(life: Life, date: datetime, now: datetime) -> None:
    """An answer that was given needs no date any more."""
    if life.state.responded_at is None or life.ledger.live(ClockName.RESPONSE):
        life.ledger.promise(ClockName.RESPONSE, date, now)
