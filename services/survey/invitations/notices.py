"""Notices about surveys, handed to notify, whose keys make each one however often it is handed over."""

from datetime import datetime

from services.contracts.base import format_instant
from services.contracts.names import invitation_key
from services.contracts.notice import Audience, NoticeKind, NoticeRequest, NoticeStanding
from services.runtime.errors import ValidationFailed
from services.runtime.service_client import ServiceClient
from services.runtime.telemetry import log
from services.survey.links import SurveyLinks
from services.survey.states import Row
from services.survey.times import Times


class SurveyNotices:
    """Invites, reminds, and takes back what waits."""

    def __init__(self, notify: ServiceClient, links: SurveyLinks, times: Times) -> None:
        self._notify = notify
        self._links = links
        self._times = times

    async def invite(self, row: Row) -> NoticeStanding | None:
        """Hand over the invitation; answers where its notice stands, None when it is refused.

        Raises:
            Unavailable: notify, or a calendar that is needed, cannot be asked now.
        """
        expected = await self._times.after(row["created_at"], row["expires_after"], row["policy"])
        key = invitation_key(row["id"])
        return await self._hand_over(key, NoticeKind.SURVEY, row, row["created_at"], expected)

    async def remind(self, row: Row, at: datetime) -> None:
        """Hand over the reminder. Raises as `invite`."""
        await self._hand_over(f"{key_of(row)}/reminder", NoticeKind.SURVEY_REMINDER, row, at, row["expires_at"])

    async def take_back(self, row: Row) -> None:
        """Take back what waits. Raises as `invite`."""
        await self._notify.post("/internal/notices/cancel", {"prefix": f"{key_of(row)}/"})

    async def _hand_over(
        self, key: str, kind: NoticeKind, row: Row, at: datetime, expires_at: datetime
    ) -> NoticeStanding | None:
        request = NoticeRequest(
            key=key,
            ticket_no=row["ticket_no"],
            kind=kind,
            audience=Audience.CUSTOMER,
            recipient=row["customer_id"],
            language=row["language"],
            at=at,
            facts=_facts(row, expires_at),
            links={"survey": self._links.to(row["id"], row["nonce"])},
        )
        try:
            answer = await self._notify.post("/internal/notices", request.model_dump(mode="json"))
        except ValidationFailed:
            log().exception("a survey's notice was refused")
            return None
        return NoticeStanding.model_validate(answer)


def key_of(row: Row) -> str:
    """The beginning of the keys of everything that is said about a survey."""
    return f"survey/{row['id']}"


def _facts(row: Row, expires_at: datetime) -> dict[str, str | int | None]:
    """The facts that the notice's text may name."""
    same = {name: row[name] for name in ("kind", "urgency", "cycle", "product_model")}
    instants = {"happened_at": row["resolved_at"] or row["closed_at"], "expires_at": expires_at}
    return same | {name: format_instant(at) for name, at in instants.items()}
