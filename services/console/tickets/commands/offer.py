"""Commands that the ticket's page offers, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.contracts.commands.table import TABLE
from services.contracts.vocabulary import CommandName, Phase

_N = CommandName
_NEXT: Mapping[Phase, Sequence[CommandName]] = {
    Phase.REVIEW: (_N.ACCEPT, _N.REQUEST_INFORMATION),
    Phase.AWAITING_INFORMATION: (_N.SUPPLY_INFORMATION, _N.ACCEPT),
    Phase.ASSIGNED: (_N.RESPOND, _N.PLAN, _N.PROGRESS, _N.RESOLVE),
    Phase.PLANNED: (_N.PROGRESS, _N.RESOLVE, _N.RESPOND),
    Phase.WAITING: (_N.RESUME, _N.PROGRESS, _N.CUSTOMER_MESSAGE),
    Phase.AWAITING_CALLBACK: (_N.RECORD_CALLBACK, _N.REOPEN),
    Phase.AWAITING_SECOND_CALLBACK: (_N.RECORD_CALLBACK, _N.REOPEN),
    Phase.CLOSED: (_N.REOPEN, _N.TAG),
}
"""What usually follows in each phase, likeliest first."""


def next_steps(ticket: Mapping[str, Any], *, explain_first: bool = False) -> list[CommandName]:
    """The commands that the reader most likely wants now, of those that are allowed: two at most. With
    `explain_first` a missed clock waits for its reason, and nothing goes before that."""
    likely = list(_NEXT[Phase(ticket["phase"])])
    if ticket["responded_at"] and _N.RESPOND in likely:
        likely = [*(name for name in likely if name is not _N.RESPOND), _N.RESPOND]
    if not ticket["complete"] and ticket["phase"] == Phase.REVIEW:
        likely.reverse()
    if (not ticket["owner"] or ticket["owner_left"]) and ticket["status"] == "processing":
        likely = [_N.ASSIGN, *likely]
    if ticket["unanswered_since"]:
        likely = [_N.RESPOND, *(name for name in likely if name is not _N.RESPOND)]
    if ticket["plan"] == "proposed":
        likely = [_N.APPROVE_PLAN, _N.REJECT_PLAN, *likely]
    if explain_first:
        likely = [_N.EXPLAIN_BREACH, *likely]
    return [name for name in likely if name in ticket["allowed"]][:2]


@dataclass(frozen=True)
class Group:
    """Commands that belong together."""

    name: str
    commands: list[CommandName] = field(default_factory=list)


def groups(ticket: Mapping[str, Any], *, explain_first: bool = False) -> list[Group]:
    """Every allowed command once, the next steps first."""
    first = next_steps(ticket, explain_first=explain_first)
    others = [
        Group(name, [each for each in commands if each in ticket["allowed"] and each not in first])
        for name, commands in TABLE.items()
    ]
    return [group for group in (Group("next", first), *others) if group.commands]
