"""The survey service put together: what its endpoints work with."""

from pathlib import Path
from typing import Annotated

from services.access.rights import require_right
from services.contracts.address import ContactReader, LinkHandOver, Revealed
from services.contracts.names import Role
from services.contracts.permissions import Action
from services.runtime.pages.frame import Pages
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_parts import service_of
from services.runtime.security.auth import Caller
from services.runtime.service_client import ServiceClient
from services.runtime.telemetry import request_id
from services.survey.answers.answers import Answering
from services.survey.answers.questionnaires import Questionnaires
from services.survey.answers.refusals import SurveyClosed
from services.survey.links import SurveyLinks
from services.survey.settings import SurveySettings
from services.survey.states import Row, Standings
from services.survey.tables import idempotency
from services.survey.views.queries import SurveyQueries
from services.survey.views.views import ticket_of
from services.survey.wording import WORDING

_TEMPLATES = Path(__file__).with_name("templates")


class SurveyService:
    """One per process."""

    def __init__(self, settings: SurveySettings, database: Database, intake: ServiceClient) -> None:
        self.settings = settings
        self.database = database
        self.intake = intake
        self.links = links_of(settings)
        self.queries = SurveyQueries(database, settings.time_zone)
        self.questionnaires = Questionnaires(database)
        self.standings = Standings(database)
        self.answering = Answering(settings.survey_edit_window)
        self.pages = Pages(_TEMPLATES, WORDING, settings)
        self.idempotency = Idempotency(database, idempotency, settings.internal_secret.get_secret_value())

    def open_page(self, row: Row) -> str | None:
        """The path of the survey's page while it waits for an answer."""
        try:
            self.answering.require_open(row, self.answering.now())
        except SurveyClosed:
            return None
        return None if row["answered_at"] else f"/s/{self.links.token(row['id'], row['nonce'])}"

    async def log_hand_over(self, row: Row, caller: Caller) -> None:
        """Have the audit log say that the survey's link is given away.

        Raises:
            Unavailable: it cannot be written down now, so nothing is given away.
        """
        given = LinkHandOver(
            reader=ContactReader(kind=caller.kind, id=caller.id, request_id=request_id.get()),
            what=Revealed.SURVEY_LINK,
            customer_id=row["customer_id"],
            ticket_no=row["ticket_no"],
        )
        await self.intake.post("/internal/audit/hand-overs", given.model_dump(mode="json"))

    async def require(self, survey_id: str, caller: Caller, action: Action) -> Row:
        """One survey on which `caller` may do `action`.

        Raises:
            NotFound: there is none.
            Forbidden: it is another department's.
        """
        row = await self.queries.find(survey_id)
        require_right(caller, action, ticket_of(row))
        return row


def links_of(settings: SurveySettings) -> SurveyLinks:
    """The links that web and worker make alike."""
    return SurveyLinks(settings.public_url, settings.link_secret.get_secret_value())


SurveysDep = Annotated[SurveyService, service_of(Role.SURVEY)]
