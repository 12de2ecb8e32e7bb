"""Every string that two processes spell: queues, workflows, updates, activities, roles of a process."""

from enum import StrEnum

QUEUE_TICKETS = "tickets"
QUEUE_NOTIFY = "notify"
QUEUE_SURVEY = "survey"

WORKFLOW_TICKET = "TicketWorkflow"
UPDATE_COMMAND = "command"
ACTIVITY_RECORD = "tickets.record"

WORKFLOW_NOTICE = "NoticeWorkflow"
ACTIVITY_DELIVER = "notices.deliver"
ACTIVITY_GIVE_UP = "notices.give_up"

WORKFLOW_ALERT = "AlertWorkflow"
SIGNAL_ALERT_CHANGED = "changed"
ACTIVITY_CLIMB = "alerts.climb"

WORKFLOW_WEBHOOK_LANE = "WebhookLaneWorkflow"
SIGNAL_MORE = "more"
ACTIVITY_CARRY = "webhooks.carry"

WORKFLOW_SURVEY = "SurveyWorkflow"
SIGNAL_SURVEY_CHANGED = "changed"
ACTIVITY_INVITE = "surveys.invite"
ACTIVITY_REMIND = "surveys.remind"
ACTIVITY_EXPIRE = "surveys.expire"


class Role(StrEnum):
    """Parts that `python -m services.run ROLE...` can start, alone or together."""

    INTAKE = "intake"
    RELAY = "relay"
    TICKETS = "tickets"
    TICKETS_WORKER = "tickets-worker"
    DIRECTORY = "directory"
    NOTIFY = "notify"
    NOTIFY_WORKER = "notify-worker"
    SURVEY = "survey"
    SURVEY_WORKER = "survey-worker"
    CONSOLE = "console"


def ticket_workflow_id(ticket_no: str) -> str:
    """The id of a ticket's workflow; its uniqueness rests on the ticket number's."""
    return f"ticket-{ticket_no}"
