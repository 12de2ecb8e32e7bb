"""Repeats that come while the first is still under way are answered as the first is (api.md, "Rules for every
endpoint")."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock

import pytest

from services.contracts.base import Message
from services.contracts.commands.update import Command
from services.contracts.journal import Actor
from services.contracts.names import ILLEGAL_TRANSITION
from services.contracts.vocabulary import ActorKind, CommandName
from services.runtime.errors import Conflict
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import KeyedRequest
from services.runtime.security.auth import Caller
from services.workflow.client import Refused
from services.workflow.commands.commands import Admission, Commands, store_command
from services.workflow.commands.first_answers import FirstAnswers
from services.workflow.journal.registration import Registrations
from services.workflow.views.queries import Queries
from services.workflow.views.ticket_row import TicketRow
from tests.services.workflow.test_arrivals import FIRST, Nobody, registration

CLERK = Caller(kind="staff", id="李雷", name="李雷", roles=frozenset({"clerk"}))
ASKED = KeyedRequest("staff:李雷", "key-1", lambda: "fingerprint")


class Desk:
    """Commands on one ticket, whose workflow does as it is told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.queries = Queries(database)
        self.showing, self.door = AsyncMock(), AsyncMock()
        self.commands = Commands(
            database=database,
            queries=self.queries,
            showing=self.showing,
            preparation=AsyncMock(),
            engine=AsyncMock(),
            door=self.door,
            answers=FirstAnswers(database),
        )

    async def register(self) -> TicketRow:
        """Enter the ticket."""
        await Registrations(self.database, Nobody()).register(registration(FIRST))
        return await self.queries.require(FIRST)

    async def store(self, ticket: TicketRow) -> Command:
        """Store what the first request under the key has asked for."""
        command = Command(
            id=Admission(ticket, CommandName.CHASE, CLERK, ASKED).command_id,
            name=CommandName.CHASE,
            actor=Actor(kind=ActorKind.STAFF, id=CLERK.id),
            decision={},
        )
        assert await store_command(self.database, FIRST, command, ASKED, {})
        return command


@pytest.fixture
def desk(database: Database) -> Desk:
    """Commands."""
    return Desk(database)


async def test_a_ticket_that_was_waited_for_may_have_had_the_command_meanwhile(desk: Desk) -> None:
    async def wait(_: str) -> TicketRow:
        ticket = await desk.register()
        await desk.store(ticket)
        return ticket

    desk.showing.fetch.side_effect = wait
    admission = await desk.commands.admit(FIRST, CommandName.CHASE, CLERK, ASKED)
    assert admission.known is not None
    assert admission.known.id == admission.command_id


@pytest.mark.parametrize("is_entered", [True, False])
async def test_a_refusal_of_what_the_journal_holds_is_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, is_entered: bool
) -> None:
    ticket = await desk.register()
    await desk.store(ticket)
    admission = await desk.commands.admit(FIRST, CommandName.CHASE, CLERK, ASKED)
    # The effect comes between the look into the journal and the run that began behind it.
    monkeypatch.setattr(desk.queries, "entered", AsyncMock(side_effect=[None, 2 if is_entered else None]))
    desk.door.give.side_effect = Refused(ILLEGAL_TRANSITION, 2)
    if is_entered:
        assert (await desk.commands.take(admission, Message())).repeated
    else:
        with pytest.raises(Conflict):
            await desk.commands.take(admission, Message())


async def test_a_repeat_elsewhere_gets_the_first_answer_that_is_on_its_way(desk: Desk) -> None:
    command = await desk.store(await desk.register())
    first, elsewhere = FirstAnswers(desk.database), FirstAnswers(desk.database)
    repeat = asyncio.create_task(elsewhere.keep_of_repeat(command.id, {"version": 2}))
    await asyncio.sleep(0)
    told: Any = await first.keep(command.id, {"version": 1})
    await first.write()
    assert await repeat == told == {"version": 1}
    assert await elsewhere.keep_of_repeat(command.id, {"version": 3}) == told


async def test_a_repeat_of_what_nobody_answers_any_more_is_answered_from_the_ticket(desk: Desk) -> None:
    command = await desk.store(await desk.register())
    answers = FirstAnswers(desk.database)
    for version in (2, 3):
        assert await answers.keep_of_repeat(command.id, {"version": version}) == {"version": 2}
