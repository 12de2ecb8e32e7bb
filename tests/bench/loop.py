"""The closed loop, from the feedback to the answered survey: how long, how many at once, how much history."""

import itertools
import time
from collections.abc import Iterator

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from services.commands.rehearsal.figures import percentile
from services.contracts.names import notice_workflow_id, survey_workflow_id, ticket_workflow_id
from services.runtime.temporal.client import connect
from tests.bench import lives
from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.load import Connection, Job, until_done
from tests.bench.post import DatedMailServer
from tests.bench.stack import Stack
from tests.bench.tickets import COMMANDS

CONCURRENCY, LOOPS, ALONE = 8, 48, 10


async def measure(stack: Stack, post: DatedMailServer) -> list[Figure]:
    """Play loops side by side and one after another, every notice by mail; then count one ticket's events."""
    client = await connect(stack.machine.addresses.temporal, secret=stack.machine.home.secret("internal"))
    async with lives.watching(stack) as journal:
        loops = Loops(stack, post, journal)
        await until_done(loops.jobs(CONCURRENCY), CONCURRENCY)
        crowd = await until_done(loops.jobs(LOOPS), CONCURRENCY)
        alone = await until_done(loops.jobs(ALONE), 1)
        ticket_no, mails = await loops.one()
    connection = Connection(stack.url, stack.key)
    ticket, notices, survey = await _histories(client, connection, ticket_no)
    total = ticket + sum(notices) + survey
    said = f"ticket {ticket}, {len(notices)} notices {sum(notices)}, survey {survey}; {mails} mails"
    return [
        Figure("history of a loop", total, "events", None, Goal(AT_MOST, 150), said),
        Figure("feedback to answered survey", crowd.rate, "loops/s", None, None,
               f"{CONCURRENCY} at once, {len(COMMANDS)} commands each; until the journal says answered"),
        Figure("feedback to answered survey p50, 1 at once", percentile(alone.latencies, 0.5), "s"),
        Figure("feedback to answered survey p99, 1 at once", percentile(alone.latencies, 0.99), "s"),
    ]  # fmt: skip


class Loops:
    """Plays loops, each of a customer of its own; the customer finds the survey in their mail."""

    def __init__(self, stack: Stack, post: DatedMailServer, journal: lives.JournalWatch) -> None:
        self._connections = [Connection(stack.url, stack.key) for _ in range(CONCURRENCY)]
        self._numbers = itertools.count()
        self._post = post
        self._journal = journal

    def jobs(self, count: int) -> Iterator[Job]:
        """Jobs that take a free connection each."""
        return iter([self._timed] * count)

    async def one(self) -> tuple[str, int]:
        """Play one; its ticket's number, and how many mails its customer got."""
        connection, number = self._connections.pop(), next(self._numbers)
        try:
            ticket_no = await lives.live(connection, number, COMMANDS)
            await lives.answer(connection, await lives.link_in_the_mail(self._post, number))
            await self._journal.until(ticket_no, "survey.answered")
        finally:
            self._connections.append(connection)
        return ticket_no, len(self._post.box_of[lives.address_of(number)])

    async def _timed(self) -> list[float]:
        began = time.perf_counter()
        await self.one()
        return [time.perf_counter() - began]


async def _histories(client: Client, connection: Connection, ticket_no: str) -> tuple[int, list[int], int]:
    """Events of the ticket's workflow, which still waits for a reopening, of each notice's and of the survey's."""
    notices = (await connection.get(f"/v1/notices?ticket_no={ticket_no}&limit=200")).json()["items"]
    survey = (await connection.get(f"/v1/surveys?ticket_no={ticket_no}")).json()["items"][0]
    survey_workflow = survey_workflow_id(survey["id"])
    await client.get_workflow_handle(survey_workflow).result()
    return (
        await _events(client, ticket_workflow_id(ticket_no)),
        [await _events_if_any(client, notice_workflow_id(notice["id"], 1)) for notice in notices],
        await _events(client, survey_workflow),
    )


async def _events_if_any(client: Client, workflow_id: str) -> int:
    """A notice that went at its first try has no workflow."""
    try:
        return await _events(client, workflow_id)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return 0


async def _events(client: Client, workflow_id: str) -> int:
    return len((await client.get_workflow_handle(workflow_id).fetch_history()).events)
