"""Tickets that are played to their end, and the survey that follows."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.bench.intake import feedback
from tests.bench.load import Connection

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


async def live(connection: Connection, number: int, commands: Commands) -> str:
    """One ticket of a customer who has no other, with e-mail, up to its confirmed end; returns its number."""
    customer = {"name": f"韩梅梅 {number}", "email": f"han{number}@example.com"}
    body = {**json.loads(feedback(number)), "customer": customer}
    ticket_no: str = (await connection.post("/v1/feedback", body)).json()["ticket_no"]
    for name, text in commands:
        view = (await connection.post(f"/v1/tickets/{ticket_no}/{name}", text)).json()
    if view["status"] != "closed":
        raise RuntimeError(f"ticket {ticket_no} ended {view['status']}")
    return ticket_no


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


async def answer(connection: Connection, survey: dict[str, Any]) -> None:
    """Answer by the link, as an app does."""
    (await connection.post(urlsplit(survey["link"]).path, ANSWER)).json()


async def until_in_the_journal(connection: Connection, ticket_no: str, type_: str) -> None:
    """Return when the ticket's journal has such an event."""
    given_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < given_up_at:
        events = (await connection.get(f"/v1/tickets/{ticket_no}/timeline?limit=200")).json()["items"]
        if any(event["type"] == type_ for event in events):
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise TimeoutError(f"no {type_} in {ticket_no}")
