"""Every string that two processes spell: queues, workflows, updates, activities, roles of a process."""

from enum import StrEnum

QUEUE_TICKETS = "tickets"
QUEUE_NOTIFY = "notify"
QUEUE_SURVEY = "survey"

WORKFLOW_TICKET = "TicketWorkflow"
UPDATE_COMMAND = "command"
UPDATE_REMARK = "remark"
UPDATE_RECALCULATE = "recalculate"
ACTIVITY_RECORD = "tickets.record"
ILLEGAL_TRANSITION = "illegal_transition"
STALE_VERSION = "stale_version"
OUTDATED = "outdated"
ENDED = "ended"
"""Error types by which a ticket's workflow refuses; the first three are codes of the API as well."""
SEARCH_STATUS = "BihuanStatus"
SEARCH_DEPARTMENT = "BihuanDepartment"
SEARCH_URGENCY = "BihuanUrgency"
SEARCH_ATTRIBUTES = (SEARCH_STATUS, SEARCH_DEPARTMENT, SEARCH_URGENCY)
"""Search attributes of ticket workflows, of type Keyword; a namespace must know them to show tickets by them."""

WORKFLOW_PUBLICATION = "PublicationWorkflow"
ACTIVITY_RECALCULATE = "publications.recalculate"
ACTIVITY_FINISH = "publications.finish"

WORKFLOW_NOTICE = "NoticeDeliveryWorkflow"
FORMER_WORKFLOW_NOTICE = "NoticeWorkflow"
ACTIVITY_DELIVER = "notices.deliver"
ACTIVITY_GIVE_UP = "notices.give_up"

WORKFLOW_ALERT = "AlertEscalationWorkflow"
FORMER_WORKFLOW_ALERT = "AlertWorkflow"
SIGNAL_ALERT_CHANGED = "changed"
ACTIVITY_CLIMB = "alerts.climb"

WORKFLOW_WEBHOOK = "WebhookWorkflow"
SIGNAL_MORE = "more"
ACTIVITY_CARRY = "webhooks.carry"

WORKFLOW_SURVEY = "SurveyWorkflow"
SIGNAL_SURVEY_CHANGED = "changed"
SIGNAL_SURVEY_TOLD = "told"
ACTIVITY_INVITE = "surveys.invite"
ACTIVITY_REMIND = "surveys.remind"
ACTIVITY_EXPIRE = "surveys.expire"
ACTIVITY_CONCLUDE = "surveys.conclude"


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


def publication_workflow_id(publication_id: str, run: int) -> str:
    """The id of a publication's workflow; one that is tried again gets another."""
    return f"publication-{publication_id}" if run == 1 else f"publication-{publication_id}-{run}"


def survey_workflow_id(survey_id: str) -> str:
    """The id of a survey's workflow."""
    return f"survey-{survey_id}"


def invitation_key(survey_id: str) -> str:
    """The key of the notice that invites to a survey."""
    return f"survey/{survey_id}/invitation"


def survey_of(key: str) -> str | None:
    """The survey to which the notice of this key invites; None for every other notice."""
    kind, _, rest = key.partition("/")
    survey_id, _, name = rest.partition("/")
    return survey_id if (kind, name) == ("survey", "invitation") else None


def webhook_workflow_id(webhook_id: str) -> str:
    """The id of a webhook's workflow: one carries everything to one receiver."""
    return f"webhook-{webhook_id}"


def notice_workflow_id(notice_id: str, round_: int) -> str:
    """The id of a delivery's workflow; a notice that is sent anew gets another."""
    return f"notice-{notice_id}" if round_ == 1 else f"notice-{notice_id}-{round_}"


def alert_workflow_id(alert_id: str) -> str:
    """The id of an alert's workflow."""
    return f"alert-{alert_id}"
