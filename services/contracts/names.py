"""Every string that two processes spell: queues, workflows, updates, activities, roles of a process."""

from enum import StrEnum

QUEUE_TICKETS = "tickets"

WORKFLOW_TICKET = "TicketWorkflow"
UPDATE_COMMAND = "command"
ACTIVITY_RECORD = "tickets.record"


class Role(StrEnum):
    """Parts that `python -m services.run ROLE...` can start, alone or together."""

    INTAKE = "intake"
    RELAY = "relay"
    TICKETS = "tickets"
    TICKETS_WORKER = "tickets-worker"
    DIRECTORY = "directory"


def ticket_workflow_id(ticket_no: str) -> str:
    """The id of a ticket's workflow; its uniqueness rests on the ticket number's."""
    return f"ticket-{ticket_no}"
