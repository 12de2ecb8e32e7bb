"""Tickets that are played to their end, and the survey that follows."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from tests.bench.intake import feedback
from tests.bench.load import Connection
from tests.bench.post import DatedMailServer
from tests.bench.stack import Stack

ANSWER = {
    "scores": {"response_speed": 4, "problem_solving": 5, "attitude": 5, "convenience": 4},
    "overall": "satisfied",
    "recommend": 9,
    "solved_first_time": True,
    "suggestion": "师傅很专业。",
}
Commands = Sequence[tuple[str, dict[str, Any]]]
PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.05
_LINK = re.compile(r"https?://\S+/s/[\w-]+")
_IS_ENTERED = "SELECT EXISTS (SELECT FROM workflow.journal WHERE ticket_no = $1 AND type = $2)"


async def live(connection: Connection, number: int, commands: Commands) -> str:
    """One ticket of a customer who has no other, with e-mail, up to its confirmed end; returns its number."""
    customer = {"name": f"韩梅梅 {number}", "email": address_of(number)}
    body = {**json.loads(feedback(number)), "customer": customer}
    ticket_no: str = (await connection.post("/v1/feedback", body)).json()["ticket_no"]
    for name, text in commands:
        view = (await connection.post(f"/v1/tickets/{ticket_no}/{name}", text)).json()
    if view["status"] != "closed":
        raise RuntimeError(f"ticket {ticket_no} ended {view['status']}")
    return ticket_no


def address_of(number: int) -> str:
    """The customer's address."""
    return f"han{number}@example.com"


async def survey_of(connection: Connection, ticket_no: str) -> dict[str, Any]:
    """The survey about a closed ticket, as soon as it is sent, with the link that its customer got."""
    given_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < given_up_at:
        found = (await connection.get(f"/v1/surveys?ticket_no={ticket_no}&state=sent")).json()["items"]
        if found:
            link = (await connection.post(f"/v1/surveys/{found[0]['id']}/hand-over-link", {})).json()["link"]
            return {**found[0], "link": link}
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise TimeoutError(f"no survey about {ticket_no}")


async def link_in_the_mail(post: DatedMailServer, number: int) -> str:
    """The survey's link, as soon as the customer of this number has got it."""
    given_up_at = time.monotonic() + PATIENCE_SECONDS
    box, seen = post.box_of[address_of(number)], 0
    while time.monotonic() < given_up_at:
        for mail in box[seen:]:
            body = mail.get_body(("plain",))
            if body is not None and (found := _LINK.search(body.get_content())):
                return found[0]
        seen = len(box)
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise TimeoutError(f"no survey in the mail of customer {number}")


async def answer(connection: Connection, link: str) -> None:
    """Answer by the link, as an app does."""
    (await connection.post(urlsplit(link).path, ANSWER)).json()


class JournalWatch:
    """Looks into the journal beside the stack: what is asked over HTTP would count as the stack's work."""

    def __init__(self, database: asyncpg.Connection) -> None:
        self._database = database
        self._turn = asyncio.Lock()

    async def until(self, ticket_no: str, type_: str) -> None:
        """Return when the ticket's journal has such an event."""
        given_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < given_up_at:
            async with self._turn:
                if await self._database.fetchval(_IS_ENTERED, ticket_no, type_):
                    return
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise TimeoutError(f"no {type_} in {ticket_no}")


@asynccontextmanager
async def watching(stack: Stack) -> AsyncIterator[JournalWatch]:
    """A watch on the stack's journal."""
    database = await stack.connect()
    try:
        yield JournalWatch(database)
    finally:
        await database.close()
