"""Time from the due instant to the mail about a missed promise."""

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import datetime

from services.commands.rehearsal.figures import percentile
from tests.bench.deadlines import promise, send_evenly
from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.load import Connection
from tests.bench.post import DatedMailServer
from tests.bench.stack import Stack

ALERTS, WITHIN_SECONDS = 100, 50.0
# Longer than the sending takes: what is measured is an alert in calm.
TARGET_SECONDS = 60
PATIENCE_SECONDS = 90.0
LOOK_EVERY_SECONDS = 0.25
ADDRESS = "li.lei@example.com"
CLERK = {"username": "li.lei", "name": "李雷", "roles": ["clerk"], "email": ADDRESS}
_NUMBER = re.compile(r"\d{11,}")


async def measure(stack: Stack, post: DatedMailServer) -> list[Figure]:
    """Promise acceptance in seconds, send the feedbacks evenly, accept none, read the clerk's mail."""
    connection = Connection(stack.url, stack.key)
    (await connection.post("/v1/staff", {**CLERK, "password": stack.key})).json()
    await promise(connection, TARGET_SECONDS)
    due: dict[str, datetime] = {}
    await send_evenly(stack, due, ALERTS, WITHIN_SECONDS)
    given_up_at = time.monotonic() + TARGET_SECONDS + PATIENCE_SECONDS
    while time.monotonic() < given_up_at and due.keys() - _told(post).keys():  # noqa: ASYNC110 - mails are on their way
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return _figures(due, _told(post))


def _told(post: DatedMailServer) -> Mapping[str, datetime]:
    """Instants of the first mail about each ticket."""
    told: dict[str, datetime] = {}
    for mail, at in post.arrivals(ADDRESS):
        if (found := _NUMBER.search(str(mail["Subject"]))) is not None:
            told.setdefault(found[0], at)
    return told


def _figures(due: Mapping[str, datetime], told: Mapping[str, datetime]) -> list[Figure]:
    late = [(told[number] - at).total_seconds() for number, at in due.items() if number in told] or [0.0]
    note = (
        f"{len(due)} due within {WITHIN_SECONDS:.0f} s; by SMTP, until the server has taken it; max {max(late):.3f} s"
    )
    return [
        Figure("alert: due to mail received p50", percentile(late, 0.5), "s"),
        Figure("alert: due to mail received p99", percentile(late, 0.99), "s", None, Goal(AT_MOST, 1.0), note),
        Figure("alerts missing or early", len(due.keys() - told.keys()) + sum(each < 0 for each in late), "", None,
               Goal(AT_MOST, 0)),
    ]  # fmt: skip
