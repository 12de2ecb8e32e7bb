"""A survey service for flow tests: real PostgreSQL, a real Temporal server, and peers that do as they are told."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import update
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from services.contracts.feed import TicketEvent
from services.contracts.journal import EventType
from services.contracts.names import invitation_key, survey_workflow_id
from services.contracts.notice import NoticeStanding
from services.contracts.policy import Promises
from services.contracts.survey import Answer
from services.runtime.postgres.database import Database
from services.runtime.service_client import ServiceClient
from services.runtime.temporal.client import engine_identity
from services.runtime.temporal.inventory import EngineRuns
from services.runtime.temporal.workflow_starter import Starter
from services.survey.answers.answers import Answering, AnswerOutcome
from services.survey.invitations.consumer import Inviter
from services.survey.invitations.first_attempts import FirstAttempts
from services.survey.invitations.notices import SurveyNotices
from services.survey.invitations.startables import startable
from services.survey.states import STARTER_CHANNEL, Standings
from services.survey.tables import invitations
from services.survey.times import Times
from services.survey.views.queries import SurveyQueries
from tests.flow.timers import has_due_timer, pass_time
from tests.replay.recordings import strings
from tests.services.survey.builders import GOOD, LINKS, closing, happened

COOLDOWN = timedelta(days=1)


class RecordingPeer(ServiceClient):
    """A peer that keeps what it is told; `down` lets it answer nothing."""

    def __init__(self) -> None:
        super().__init__("http://peer", "secret")
        self.down = False
        self.asked: list[tuple[str, Any]] = []

    async def send(self, _method: str, path: str, *, json: object, **_: object) -> tuple[int, bytes]:  # type: ignore[override]
        """Keep the question."""
        if self.down:
            raise ConnectionError("down")
        self.asked.append((path, json))
        return 200, self.reply(path, json)

    def reply(self, _path: str, _json: Any) -> bytes:
        """Nothing to say."""
        return b"{}"

    def at(self, path: str) -> list[Any]:
        """Bodies sent to a path."""
        return [json for asked, json in self.asked if asked == path]


class FakeNotify(RecordingPeer):
    """Sends every notice at once, unless `states` says something else of its key."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, str] = {}
        self.notices: dict[str, Any] = {}

    def reply(self, path: str, json: Any) -> bytes:
        """A notice's standing."""
        if path != "/internal/notices":
            return b"{}"
        self.notices.setdefault(json["key"], json)
        state, _, reason = self.states.get(json["key"], "sent").partition(":")
        told = f'"{reason}"' if reason else "null"
        sent_at = f'"{datetime.now(UTC).isoformat()}"' if state == "sent" else "null"
        return f'{{"id": "n", "state": "{state}", "not_sent_reason": {told}, "sent_at": {sent_at}}}'.encode()

    def invitations(self, survey_id: str) -> list[Any]:
        """Every time that the invitation to a survey was handed over."""
        return [json for json in self.at("/internal/notices") if json["key"] == invitation_key(survey_id)]

    def kinds(self, survey_id: str) -> list[str]:
        """Kinds of the notices about a survey."""
        return [json["kind"] for key, json in self.notices.items() if key.startswith(f"survey/{survey_id}/")]


class FakeTickets(RecordingPeer):
    """A workflow service: it keeps remarks, and knows what is in force."""

    def __init__(self) -> None:
        super().__init__()
        self.promises = Promises(generation=1, policies=(), calendars=())

    def reply(self, path: str, _json: Any) -> bytes:
        """The promises in force."""
        return self.promises.model_dump_json().encode() if path == "/internal/promises" else b"{}"


class Survey:
    """One survey under test."""

    def __init__(self, harness: "SurveyHarness", row: Mapping[Any, Any]) -> None:
        self.harness = harness
        self.id = str(row["id"])
        self.ticket_no = str(row["ticket_no"])
        self.handle: WorkflowHandle[Any, Any] = harness.env.client.get_workflow_handle(survey_workflow_id(self.id))

    async def row(self) -> Mapping[Any, Any]:
        """The invitation with its answer."""
        return await self.harness.queries.find(self.id)

    async def state(self) -> str:
        """Its state."""
        return str((await self.row())["state"])

    async def now(self) -> datetime:
        """The workflow's own time."""
        return (await self.harness.env.get_current_time(self.handle)).astimezone(UTC)

    async def move_to(self, instant: datetime) -> None:
        """Let time pass until `instant`."""
        ahead = instant - await self.now()
        assert ahead > timedelta(0), f"{instant} has passed"
        with suppress(RPCError):
            await pass_time(self.harness.env, self.handle, instant, self.settled)

    async def settled(self) -> None:
        """Return when the workflow has nothing to do at its present time."""
        while True:
            described = (await self.handle.describe()).raw_description
            is_idle = not described.pending_activities and not described.HasField("pending_workflow_task")
            if is_idle and not (await self.is_running() and await has_due_timer(self.harness.env, self.handle)):
                return
            await asyncio.sleep(0.01)

    async def retried(self) -> None:
        """Return when the engine has taken over what did not work at once."""
        async with asyncio.timeout(30):
            while not (await self.handle.describe()).raw_description.pending_activities:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def answer(self, answer: Answer = GOOD, answering: Answering | None = None) -> AnswerOutcome:
        """The customer answers, and the worker hears of it."""
        by = answering or Answering(timedelta(minutes=10))
        async with self.harness.database.begin() as connection:
            outcome = await by.by_customer(connection, self.id, answer)
        await self.harness.starter.reconcile()
        return outcome

    async def end(self) -> None:
        """Return when everything that follows has been done."""
        async with asyncio.timeout(30):
            while not (await self.row())["done"]:  # noqa: ASYNC110 - what is waited for is the worker's doing
                await asyncio.sleep(0.02)
            await self.handle.result()

    async def is_running(self) -> bool:
        """Whether its workflow lives."""
        return (await self.handle.describe()).status is WorkflowExecutionStatus.RUNNING

    def remarks(self) -> list[tuple[str, Any]]:
        """Remarks in the journal: type and data."""
        told = self.harness.tickets.at(f"/internal/tickets/{self.ticket_no}/remarks")
        unique = {each["key"]: each for each in told}
        return [(each["type"], each["data"]) for each in unique.values()]

    async def history(self) -> str:
        """The history that the engine has stored, payloads decoded."""
        return "\n".join(strings((await self.handle.fetch_history()).to_json_dict()))


class SurveyHarness:
    """Closes tickets, and looks at what becomes of their surveys."""

    def __init__(self, env: WorkflowEnvironment, database: Database, notify: FakeNotify, tickets: FakeTickets) -> None:
        self.env = env
        self.database = database
        self.notify = notify
        self.tickets = tickets
        self.standings = Standings(database)
        self.queries = SurveyQueries(database, "Asia/Shanghai")
        self.inviter = Inviter(LINKS, COOLDOWN)
        self.first = FirstAttempts(database, SurveyNotices(notify, LINKS, Times(tickets)), hands=1)
        self.starter = Starter(
            database,
            partial(engine_identity, env.client),
            [startable(env.client)],
            channel=STARTER_CHANNEL,
            probe_seconds=60,
            name="survey",
            runs=EngineRuns(env.client),
        )

    async def close(self, *, start: bool = True, tried: bool = False, **changes: Any) -> Survey:
        """Close a ticket of 韩梅梅's; answers its survey, whose workflow has started and settled.

        Unless it is `tried` first as in a worker, the workflow does everything from the invitation on.
        """
        event = closing(**changes)
        await self.apply(event)
        survey = await self.of(event.ticket_no, event.event.cycle)
        if tried:
            await self.try_first()
        else:
            await self.set(survey, workflow_from=datetime.now(UTC))
        if start:
            await self.starter.reconcile()
            await survey.settled()
        return survey

    async def set(self, survey: Survey, **values: Any) -> None:
        """Change an invitation's row as time or a worker would."""
        async with self.database.begin() as connection:
            await connection.execute(update(invitations).where(invitations.c.id == survey.id).values(**values))

    async def deliver(self, survey: Survey, state: str, standing: NoticeStanding | None = None) -> None:
        """The invitation's notice comes to its end, and notify tells of it, by former releases without saying how."""
        self.notify.states[invitation_key(survey.id)] = state
        await self.standings.delivered(survey.id, standing)
        await self.starter.reconcile()
        await survey.settled()

    async def try_first(self) -> None:
        """Try what nobody has tried yet."""
        for survey_id in await self.first.claim(100):
            await self.first.attempt(survey_id)

    async def reopen(self, survey: Survey) -> None:
        """Reopen the survey's ticket."""
        await self.apply(happened(EventType.REOPENED, ticket_no=survey.ticket_no, cycle=2, seq=99))
        await self.starter.reconcile()

    async def apply(self, *events: TicketEvent) -> None:
        """The follower reads a page."""
        async with self.database.begin() as connection:
            await self.inviter.apply(connection, events)

    async def of(self, ticket_no: str, cycle: int = 1) -> Survey:
        """The survey of a ticket's cycle."""
        async with self.database.read() as connection:
            query = invitations.select().where(invitations.c.ticket_no == ticket_no, invitations.c.cycle == cycle)
            return Survey(self, (await connection.execute(query)).mappings().one())
