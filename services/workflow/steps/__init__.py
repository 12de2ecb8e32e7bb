"""What each command does to a ticket (product.md section 3): a table of steps, which are called when they are legal.

Each part of a ticket's life has a room of its own.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.contracts import commands
from services.contracts.commands import Command
from services.contracts.words import CommandName
from services.workflow.life import Life
from services.workflow.steps import arriving, ending, handling, noting

_STEPS: Mapping[CommandName, Callable[[Life, Command, Any, datetime], None]] = {
    CommandName.ACCEPT: arriving.accept,
    CommandName.REQUEST_INFORMATION: arriving.request_information,
    CommandName.SUPPLY_INFORMATION: arriving.supply_information,
    CommandName.CUSTOMER_MESSAGE: arriving.customer_message,
    CommandName.ASSIGN: arriving.assign,
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
    CommandName.RECLASSIFY: arriving.reclassify,
    CommandName.EXPLAIN_BREACH: noting.explain_breach,
    CommandName.CHASE: noting.chase,
    CommandName.TAG: noting.tag,
    CommandName.PROMISE: noting.promise,
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
