"""The table of the ticket's life: in which phase which command is legal (product.md section 3)."""

from collections.abc import Mapping

from services.contracts.commands.table import HELD_BY_A_MISSED_CLOCK
from services.contracts.journal import Actor
from services.contracts.ticket import PlanState, TicketState
from services.contracts.vocabulary import ActorKind, CloseReason, CommandName, Phase, Status, WaitReason

_C = CommandName

_WHILE_OPEN = frozenset({_C.CUSTOMER_MESSAGE, _C.ASSIGN, _C.RESPOND, _C.CLOSE_UNRESOLVED, _C.WITHDRAW, _C.MERGE,
                         _C.JOIN, _C.RECLASSIFY, _C.EXPLAIN_BREACH, _C.CHASE, _C.TAG})  # fmt: skip
_PENDING = _WHILE_OPEN | {_C.ACCEPT, _C.REQUEST_INFORMATION, _C.SUPPLY_INFORMATION, _C.PROMISE}
_PROCESSING = _WHILE_OPEN | {_C.SUPPLY_INFORMATION, _C.PLAN, _C.APPROVE_PLAN, _C.REJECT_PLAN, _C.PROGRESS, _C.WAIT,
                             _C.RESOLVE, _C.PROMISE}  # fmt: skip
_RESOLVED = _WHILE_OPEN | {_C.RECORD_CALLBACK, _C.CONFIRM, _C.REOPEN, _C.WAIT}

LEGAL: Mapping[Phase, frozenset[CommandName]] = {
    Phase.REVIEW: _PENDING,
    Phase.AWAITING_INFORMATION: _PENDING,
    Phase.ASSIGNED: _PROCESSING,
    Phase.PLANNED: _PROCESSING,
    Phase.WAITING: _PROCESSING | {_C.RESUME},
    Phase.AWAITING_CALLBACK: _RESOLVED,
    Phase.AWAITING_SECOND_CALLBACK: _RESOLVED,
    Phase.CLOSED: frozenset({_C.REOPEN, _C.EXPLAIN_BREACH, _C.TAG, _C.JOIN}),
}
"""Commands that a phase knows; `is_legal` adds what the facts decide."""

WAITS: Mapping[Status, frozenset[WaitReason]] = {
    Status.PROCESSING: frozenset(WaitReason),
    Status.RESOLVED: frozenset({WaitReason.APPOINTMENT}),
}
"""What can be waited for: once resolved, only the appointment for the callback (semantics.md 9)."""


def is_legal(state: TicketState, command: CommandName) -> bool:
    """Whether `command` is legal now, whoever asks."""
    if state.ended or command not in LEGAL[state.phase]:
        return False
    if command in {_C.APPROVE_PLAN, _C.REJECT_PLAN}:
        return state.plan is PlanState.PROPOSED
    if command is _C.EXPLAIN_BREACH:
        return bool(state.unexplained)
    if command in {_C.REOPEN, _C.JOIN}:
        return state.close_reason is not CloseReason.MERGED
    return True


def owed_reason(state: TicketState, command: CommandName, actor: Actor) -> str | None:
    """The key of the missed clock whose reason `actor` must note before `command`; None when nothing is owed.

    It is the owner's to note, and the co-owners': whoever else works on the ticket is not held up, and a reason that a
    former owner left owing is the new owner's to find out.
    """
    if command not in HELD_BY_A_MISSED_CLOCK:
        return None
    owns = actor.kind is ActorKind.STAFF and actor.id in {state.owner, *state.co_owners}
    return next(iter(state.owed_reasons), None) if owns else None


def legal_commands(state: TicketState, actor: Actor | None = None) -> tuple[CommandName, ...]:
    """Every legal command, in the order of api.md; with `actor`, without those that wait for a reason of theirs."""
    legal = (command for command in CommandName if is_legal(state, command))
    return tuple(it for it in legal if actor is None or owed_reason(state, it, actor) is None)
