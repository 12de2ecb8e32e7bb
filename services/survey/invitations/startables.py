"""Rows that have a survey workflow, and how it is started or told of a change."""

from temporalio.client import Client

from services.contracts.names import (
    QUEUE_SURVEY,
    SIGNAL_SURVEY_CHANGED,
    SIGNAL_SURVEY_TOLD,
    WORKFLOW_SURVEY,
    survey_workflow_id,
)
from services.contracts.survey import SurveyStart, SurveyState
from services.runtime.temporal.client import start_or_attach
from services.runtime.temporal.inventory import Workflows
from services.runtime.temporal.startable import Startable, StartableRow
from services.survey.states import LIVING
from services.survey.tables import invitations


def startable(client: Client) -> Startable:
    """Invitations whose end has not been told yet.

    Answering, changing, withdrawing and the end of the invitation's delivery take the engine's name off a row; so the
    starter comes by again, and what a workflow must hear of is never lost with the engine.
    """

    async def start(row: StartableRow) -> None:
        await start_or_attach(
            client,
            WORKFLOW_SURVEY,
            SurveyStart(survey_id=row.id),
            id_=survey_workflow_id(row.id),
            queue=QUEUE_SURVEY,
            signal=_news(row),
        )

    return Startable(
        table=invitations,
        living=LIVING,
        key=invitations.c.id,
        columns=(invitations.c.id, invitations.c.state, invitations.c.revision),
        start=start,
        revision=invitations.c.revision,
        workflows=Workflows(WORKFLOW_SURVEY, QUEUE_SURVEY, survey_workflow_id, (invitations.c.id,)),
    )


def _news(row: StartableRow) -> str | None:
    """The signal by which a workflow hears of what has happened to its row."""
    if not SurveyState(row.state).is_open:
        return SIGNAL_SURVEY_CHANGED
    return SIGNAL_SURVEY_TOLD if row.revision else None
