"""What each command does to a ticket (product.md section 3): a table of steps, which are called when they are legal.

Each part of a ticket's life has a room of its own.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.contracts import commands
from services.contracts.commands import Command
from services.contracts.vocabulary import CommandName
from services.workflow.lifecycle.life import Life
from services.workflow.lifecycle.steps import ending, handling, notes, review

_STEPS: Mapping[CommandName, Callable[[Life, Command, Any, datetime], None]] = {
    CommandName.ACCEPT: review.accept,
    CommandName.REQUEST_INFORMATION: review.request_information,
    CommandName.SUPPLY_INFORMATION: review.supply_information,
    CommandName.CUSTOMER_MESSAGE: review.customer_message,
    CommandName.ASSIGN: review.assign,
    CommandName.RESPOND: handling.respond,
    CommandName.PLAN: handling.plan,
    CommandName.APPROVE_PLAN: handling.approve_plan,
    CommandName.REJECT_PLAN: handling.reject_plan,
    CommandName.PROGRESS: handling.progress,
    CommandName.WAIT: handling.wait,
    CommandName.RESUME: handling.resume,
    CommandName.RESOLVE: handling.resolve,
    CommandName.RECORD_CALLBACK: ending.record_callback,
    CommandName.CONFIRM: ending.confirm,
    CommandName.REOPEN: ending.reopen,
    CommandName.CLOSE_UNRESOLVED: ending.close_unresolved,
    CommandName.WITHDRAW: ending.withdraw,
    CommandName.MERGE: ending.merge,
    CommandName.JOIN: ending.join,
    CommandName.RECLASSIFY: review.reclassify,
    CommandName.EXPLAIN_BREACH: notes.explain_breach,
    CommandName.CHASE: notes.chase,
    CommandName.TAG: notes.tag,
    CommandName.PROMISE: notes.promise,
}


def take(life: Life, command: Command, now: datetime) -> None:
    """Carry out a command.

    Raises:
        IllegalCommand: nothing was changed.
    """
    life.check(command.name, command.actor)
    decision = commands.DECISIONS[command.name].model_validate(command.decision)
    life.command_id = command.id
    try:
        _STEPS[command.name](life, command, decision, now)
    finally:
        life.command_id = None
