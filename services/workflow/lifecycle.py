"""The table of the ticket's life: in which phase which command is legal (product.md section 3)."""

from collections.abc import Mapping

from services.contracts.ticket import PlanState, TicketState
from services.contracts.words import CloseReason, CommandName, Phase, Status, WaitReason

_C = CommandName

_WHILE_OPEN = frozenset({_C.CUSTOMER_MESSAGE, _C.ASSIGN, _C.RESPOND, _C.CLOSE_UNRESOLVED, _C.WITHDRAW, _C.MERGE,
                         _C.RECLASSIFY, _C.EXPLAIN_BREACH, _C.CHASE, _C.TAG})  # fmt: skip
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
    Phase.CLOSED: frozenset({_C.REOPEN, _C.EXPLAIN_BREACH, _C.TAG}),
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
    if command is _C.REOPEN:
        return state.close_reason is not CloseReason.MERGED
    return True


def legal_commands(state: TicketState) -> tuple[CommandName, ...]:
    """Every legal command, in the order of api.md."""
    return tuple(command for command in CommandName if is_legal(state, command))
