"""Steps of each command on a ticket (product.md section 3): a table of steps, which are called when they are legal.

Each group of commands has a module of its own, as in `contracts/commands`; the callback's rules are long.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from services.contracts.commands.table import DECISIONS
from services.contracts.commands.update import Command
from services.contracts.vocabulary import CommandName
from services.workflow.lifecycle.life import Life
from services.workflow.lifecycle.steps import arrangement, callback, conversation, ending, handling

_STEPS: Mapping[CommandName, Callable[[Life, Command, Any, datetime], None]] = {
    CommandName.RESPOND: conversation.respond,
    CommandName.REQUEST_INFORMATION: conversation.request_information,
    CommandName.CUSTOMER_MESSAGE: conversation.customer_message,
    CommandName.SUPPLY_INFORMATION: conversation.supply_information,
    CommandName.ACCEPT: handling.accept,
    CommandName.PLAN: handling.plan,
    CommandName.PROGRESS: handling.progress,
    CommandName.WAIT: handling.wait,
    CommandName.RESUME: handling.resume,
    CommandName.RESOLVE: handling.resolve,
    CommandName.APPROVE_PLAN: handling.approve_plan,
    CommandName.REJECT_PLAN: handling.reject_plan,
    CommandName.RECORD_CALLBACK: callback.record_callback,
    CommandName.ASSIGN: arrangement.assign,
    CommandName.RECLASSIFY: arrangement.reclassify,
    CommandName.PROMISE: arrangement.promise,
    CommandName.CHASE: arrangement.chase,
    CommandName.TAG: arrangement.tag,
    CommandName.EXPLAIN_BREACH: arrangement.explain_breach,
    CommandName.REOPEN: ending.reopen,
    CommandName.CLOSE_UNRESOLVED: ending.close_unresolved,
    CommandName.WITHDRAW: ending.withdraw,
    CommandName.MERGE: ending.merge,
    CommandName.CONFIRM: ending.confirm,
    CommandName.JOIN: ending.join,
}


def take(life: Life, command: Command, now: datetime) -> None:
    """Carry out a command.

    Raises:
        IllegalCommand: nothing was changed.
    """
    life.check(command.name, command.actor)
    decision = DECISIONS[command.name].model_validate(command.decision)
    life.command_id = command.id
    try:
        _STEPS[command.name](life, command, decision, now)
    finally:
        life.command_id = None
