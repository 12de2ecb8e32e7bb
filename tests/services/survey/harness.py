"""The survey service under test: its public port, the people who use it, closings that invite."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import OKPKey
from sqlalchemy import update

from services.contracts.directory import StaffRole
from services.contracts.feed import TicketEvent
from services.contracts.survey import Answer
from services.runtime.http.app import create_app
from services.runtime.pages.refusals import refusal_pages
from services.runtime.role_parts import publish
from services.runtime.security.auth import Authenticator, mint_token
from services.runtime.service_client import ServiceClient
from services.survey.answers.answers import Answering
from services.survey.assembly import assemble
from services.survey.invitations.consumer import Inviter
from services.survey.service import SurveyService
from services.survey.settings import SurveySettings
from services.survey.states import Row
from services.survey.tables import invitations
from tests.services.survey.builders import GOOD, LINKS, closing

FORM = {
    "response_speed": "5",
    "problem_solving": "4",
    "attitude": "5",
    "convenience": "4",
    "overall": "satisfied",
    "recommend": "9",
    "solved_first_time": "yes",
    "suggestion": "师傅很准时",
}
"""What a customer fills in on the page."""
JSON: dict[str, Any] = {
    "scores": {"response_speed": 5, "problem_solving": 4, "attitude": 5, "convenience": 4},
    "overall": "satisfied",
    "recommend": 9,
    "solved_first_time": True,
    "suggestion": "师傅很准时",
}
"""The same from an app."""

PEOPLE = {
    "李雷": (StaffRole.CLERK, "after-sales"),
    "林涛": (StaffRole.HANDLER, "after-sales"),
    "周强": (StaffRole.DEPARTMENT_HEAD, "after-sales"),
    "王芳": (StaffRole.SUPERVISOR, None),
    "吴刚": (StaffRole.MANAGER, "after-sales"),
    "高原": (StaffRole.MANAGER, None),
    "郑洁": (StaffRole.AUDITOR, None),
    "孙磊": (StaffRole.ADMIN, None),
    "赵敏": (StaffRole.DEPARTMENT_HEAD, "logistics"),
    "钱进": (StaffRole.CLERK, "logistics"),
}


class AuditLog(ServiceClient):
    """Takes every line; `down` lets it answer nothing."""

    def __init__(self) -> None:
        super().__init__("http://intake", "secret")
        self.down = False

    async def send(self, *_: object, **__: object) -> tuple[int, bytes]:
        """Write a line down."""
        if self.down:
            raise ConnectionError
        return 204, b""


@dataclass
class SurveyServiceHarness:
    """A service desk and its surveys."""

    http: httpx.AsyncClient
    surveys: SurveyService
    signing_key: bytes
    audit: AuditLog
    tokens: dict[str, str] = field(default_factory=dict)

    def sign_in(self, name: str, *roles: str, department: str | None = None) -> None:
        """Give somebody a token; their name is their id."""
        self.tokens[name] = mint_token(
            self.signing_key, staff_id=name, name=name, username="staff", roles=roles, department=department
        )

    async def call(
        self, method: str, path: str, body: Any = None, *, by: str | None = "李雷", **headers: str
    ) -> httpx.Response:
        """Ask the API."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if by is not None:
            given["Authorization"] = f"Bearer {self.tokens[by]}"
        return await self.http.request(method, path, json=body, headers=given)

    async def get(self, path: str, *, reader: str = "王芳", **params: Any) -> Any:
        """GET something that must be shown."""
        answer = await self.http.get(path, params=params, headers={"Authorization": f"Bearer {self.tokens[reader]}"})
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def invite(self, *, sent: bool = True, **changes: Any) -> "Invited":
        """Close a ticket of 林涛's and let its invitation reach the customer."""
        event = closing(**{"owner": "林涛", **changes})
        await self.apply(event)
        row = await self._row(event.ticket_no, event.event.cycle)
        if sent:
            now = datetime.now(UTC)
            await self.set(row["id"], state="sent", sent_at=now, expires_at=now + timedelta(days=7))
        token = urlsplit(LINKS.to(row["id"], row["nonce"])).path
        return Invited(self, row["id"], event.ticket_no, token)

    async def answered(self, answer: Answer = GOOD, *, at: datetime | None = None, **changes: Any) -> "Invited":
        """A survey that its customer has answered."""
        invited = await self.invite(**changes)
        await invited.answer(answer)
        if at is not None:
            await self.set(invited.id, answered_at=at)
        return invited

    async def apply(self, *events: TicketEvent) -> None:
        """The follower reads a page."""
        inviter = Inviter(LINKS, timedelta(0))
        async with self.surveys.database.begin() as connection:
            await inviter.apply(connection, events)

    async def apply_dead_letter(self, event: TicketEvent, *, cycle: int) -> None:
        """The follower applies an event that it had set aside; the ticket is in this cycle by now."""
        now = event.model_copy(update={"ticket": event.ticket.model_copy(update={"cycle": cycle})})
        inviter = Inviter(LINKS, timedelta(0))
        async with self.surveys.database.begin() as connection:
            await inviter.apply_dead_letter(connection, now)

    async def surveys_of(self, ticket_no: str) -> Sequence[Row]:
        """The invitations of a ticket."""
        async with self.surveys.database.read() as connection:
            mine = invitations.select().where(invitations.c.ticket_no == ticket_no)
            return (await connection.execute(mine)).mappings().all()

    async def set(self, survey_id: str, **values: Any) -> None:
        """Change an invitation as time or a worker would."""
        async with self.surveys.database.begin() as connection:
            await connection.execute(update(invitations).where(invitations.c.id == survey_id).values(**values))

    async def _row(self, ticket_no: str, cycle: int) -> Row:
        async with self.surveys.database.read() as connection:
            mine = (invitations.c.ticket_no == ticket_no) & (invitations.c.cycle == cycle)
            row: Row = (await connection.execute(invitations.select().where(mine))).mappings().one()
            return row

    def let_it_be(self, instant: datetime) -> None:
        """Answers are taken at this instant from now on."""
        self.surveys.answering = Answering(self.surveys.settings.survey_edit_window, now=lambda: instant)


@dataclass
class Invited:
    """One survey, and the page that its customer was sent."""

    harness: SurveyServiceHarness
    id: str
    ticket_no: str
    page: str

    async def row(self) -> Row:
        """The invitation with its answer."""
        return await self.harness.surveys.queries.find(self.id)

    async def open(self, **headers: str) -> httpx.Response:
        """Open the page."""
        return await self.harness.http.get(self.page, headers={"Accept-Language": "zh-CN", **headers})

    async def fill_in(self, changes: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send the page's form."""
        form = {name: value for name, value in {**FORM, **(changes or {})}.items() if value}
        return await self.harness.http.post(self.page, data=form, headers={"Accept-Language": "zh-CN", **headers})

    async def send(self, body: Any = None, **headers: str) -> httpx.Response:
        """Send the same as an app does."""
        return await self.harness.http.post(self.page, json=JSON if body is None else body, headers=headers)

    async def answer(self, answer: Answer = GOOD) -> None:
        """The customer answers."""
        async with self.harness.surveys.database.begin() as connection:
            await self.harness.surveys.answering.by_customer(connection, self.id, answer)

    async def record(self, body: Any = None, *, by: str = "李雷", **headers: str) -> httpx.Response:
        """Staff record what the customer said on the phone."""
        return await self.harness.call("POST", f"/v1/surveys/{self.id}/answer", JSON if body is None else body, by=by,
                                    **headers)  # fmt: skip

    async def view(self, *, by: str = "王芳") -> Any:
        """The survey as somebody sees it."""
        return await self.harness.get(f"/v1/surveys/{self.id}", reader=by)


def text_of(page: httpx.Response) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.text, flags=re.DOTALL))


def keys_of(rows: Sequence[dict[str, Any]]) -> list[str | None]:
    """Keys of a report's rows."""
    return [row["key"] for row in rows]


@asynccontextmanager
async def running_survey_service(database_url: str) -> AsyncIterator[SurveyServiceHarness]:
    """林涛 owns the tickets unless a test says otherwise; 赵敏 and 钱进 are of another department."""
    settings = SurveySettings(
        database_url=database_url,
        database_role="bihuan_app",
        internal_secret="between-services",
        link_secret="links",
        public_url="http://bihuan.test",
    )
    pair = OKPKey.generate_key("Ed25519")
    authenticator = Authenticator(verify_key_pem=pair.as_pem(private=False), internal_secret="", directory=None)
    async with assemble(settings) as part:
        assert isinstance(part.state, SurveyService)
        await part.state.questionnaires.seed()
        app = create_app(
            "Bihuan", *part.routers, settings=settings, authenticator=authenticator, refuse=refusal_pages(settings)
        )
        publish(app, [part])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bihuan.test") as http:
            part.state.intake = audit = AuditLog()
            harness = SurveyServiceHarness(http, part.state, pair.as_pem(private=True), audit)
            for name, (role, department) in PEOPLE.items():
                harness.sign_in(name, role, department=department)
            yield harness
