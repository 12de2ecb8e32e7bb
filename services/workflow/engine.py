"""Every open ticket has exactly one workflow (invariants I2, I4): what `runtime.starting` needs to see to it."""

from typing import Any

from sqlalchemy import Row

from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import TicketStart, TicketState
from services.runtime.starting import Startable
from services.workflow.client import TicketEngine
from services.workflow.tables import tickets


def open_tickets(engine: TicketEngine) -> Startable:
    """Tickets, new or rebuilt: each starts from its stored state, with its original due times."""

    async def start(row: Row[Any]) -> None:
        policy = PolicySnapshot.model_validate(row.policy) if row.policy else None
        await engine.start(TicketStart(state=TicketState.model_validate(row.state), policy=policy))

    return Startable(
        table=tickets,
        living=tickets.c.ended.is_(False),
        key=tickets.c.ticket_no,
        columns=(tickets.c.state, tickets.c.policy),
        start=start,
    )
