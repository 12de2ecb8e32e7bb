"""Every open ticket, and every publication that runs, has exactly one workflow (invariants I2, I4): what
the runtime's starter needs to see to it."""

from services.contracts.names import QUEUE_TICKETS, WORKFLOW_PUBLICATION, publication_workflow_id
from services.contracts.publication import PublicationStart, PublicationState
from services.contracts.ticket import TicketStart
from services.runtime.temporal.inventory import Workflows
from services.runtime.temporal.startable import Startable, StartableRow
from services.workflow.client import TICKET_WORKFLOWS, TicketEngine
from services.workflow.settings import WorkflowSettings
from services.workflow.tables import publications, tickets

_AFTER_THE_WALK = 2
"""A publication that runs anew has walked the open tickets; what came since lives by it already."""


def open_tickets(engine: TicketEngine) -> Startable:
    """Tickets, new or rebuilt: each starts from its stored state, with its original due times."""

    async def start(row: StartableRow) -> None:
        await engine.start(TicketStart.stored(row.state, row.policy))

    return Startable(
        table=tickets,
        living=tickets.c.ended.is_(False),
        key=tickets.c.ticket_no,
        columns=(tickets.c.state, tickets.c.policy),
        start=start,
        workflows=TICKET_WORKFLOWS,
    )


def running_publications(engine: TicketEngine, settings: WorkflowSettings) -> Startable:
    """Publications whose tickets are being recalculated: each goes on from where its row says that it is."""

    async def start(row: StartableRow) -> None:
        publication = PublicationStart(
            publication=row.id,
            batch=settings.recalculation_batch,
            per_second=settings.recalculation_per_second,
            retry_after_seconds=settings.recalculation_retry_seconds,
            attempt=1 if row.run == 1 else _AFTER_THE_WALK,
        )
        await engine.start_publication(publication, row.run)

    return Startable(
        table=publications,
        living=publications.c.state == PublicationState.RUNNING,
        key=publications.c.id,
        columns=(publications.c.id, publications.c.run),
        start=start,
        workflows=Workflows(
            WORKFLOW_PUBLICATION, QUEUE_TICKETS, publication_workflow_id, (publications.c.id, publications.c.run)
        ),
    )
