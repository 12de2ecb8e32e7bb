"""Lateness at which 1,000 deadlines that fall due within one minute are found."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.commands.rehearsal.figures import percentile
from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.intake import feedback
from tests.bench.load import Connection
from tests.bench.stack import Stack

DEADLINES, WITHIN_SECONDS = 1000, 58.0
TARGET_SECONDS = 150
POLICY = "d0-standard"
PATIENCE_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.25


@dataclass(frozen=True)
class Seen:
    """A breach, or the alert of one, as the feed tells it, and when it was first seen there."""

    ticket_no: str
    due_at: datetime
    detected_at: datetime
    seen_at: datetime


async def measure(stack: Stack) -> list[Figure]:
    """Promise acceptance in a few seconds, send the feedbacks evenly over a minute, accept none, read the feed."""
    connection = Connection(stack.url, stack.key)
    await promise(connection, TARGET_SECONDS)
    due: dict[str, datetime] = {}
    breached = asyncio.create_task(_watch(Connection(stack.url, stack.key), due, "clock.breached"))
    raised = asyncio.create_task(_watch(Connection(stack.url, stack.key), due, "alert.raised"))
    await send_evenly(stack, due, DEADLINES, WITHIN_SECONDS)
    return _figures(due, await breached, await raised)


def _figures(due: Mapping[str, datetime], breaches: Sequence[Seen], raised: Sequence[Seen]) -> list[Figure]:
    found = Counter(breach.ticket_no for breach in breaches)
    wrong = sum(count > 1 for count in found.values()) + len(due.keys() - found.keys())
    early = sum(breach.detected_at < due[breach.ticket_no] for breach in breaches)
    found_late = [(breach.detected_at - breach.due_at).total_seconds() for breach in breaches] or [0.0]
    shown_late = [(breach.seen_at - breach.due_at).total_seconds() for breach in breaches] or [0.0]
    raised_late = [(each.seen_at - due[each.ticket_no]).total_seconds() for each in raised] or [0.0]
    span = (max(due.values()) - min(due.values())).total_seconds()
    return [
        Figure("lateness of deadlines p99", percentile(found_late, 0.99), "s", None, Goal(AT_MOST, 2.0),
               f"{len(due)} due within {span:.0f} s; detected_at - due_at; p50 {percentile(found_late, 0.5):.3f} s"),
        Figure("breach in the feed p99", percentile(shown_late, 0.99), "s", None, None,
               f"recorded and read back; p50 {percentile(shown_late, 0.5):.3f} s"),
        Figure("alert in the feed p99", percentile(raised_late, 0.99), "s", None, None,
               f"{len(raised)} raised; entered and read back; p50 {percentile(raised_late, 0.5):.3f} s"),
        Figure("deadlines missing or doubled", wrong, "", None, Goal(AT_MOST, 0)),
        Figure("deadlines early", early, "", None, Goal(AT_MOST, 0)),
    ]  # fmt: skip


async def promise(connection: Connection, seconds: int) -> None:
    """Publish a policy of one clock, acceptance in so many seconds, and wait until intake promises by it."""
    policy = (await connection.get(f"/v1/policies/{POLICY}")).json()
    clocks = {"acceptance": {"target": f"PT{seconds}S", "warn_at": []}}
    body = {name: policy[name] for name in ("title", "calendar", "questionnaire", "applies", "settings")}
    (await connection.put(f"/v1/policies/{POLICY}?publish=true", {**body, "clocks": clocks})).json()
    async with asyncio.timeout(20):
        while True:
            registered = (await connection.post("/v1/feedback", feedback(0))).json()
            if _instant(registered["promised"]["accept_by"]) - _instant(registered["received_at"]) == timedelta(
                seconds=seconds
            ):
                return
            await asyncio.sleep(0.2)


async def send_evenly(stack: Stack, due: dict[str, datetime], count: int, within_seconds: float) -> None:
    """Send so many feedbacks at an even pace; `due` gets what each was promised."""
    free = [Connection(stack.url, stack.key) for _ in range(16)]
    began = time.monotonic()

    async def send(number: int) -> None:
        connection = free.pop() if free else Connection(stack.url, stack.key)
        registered = (await connection.post("/v1/feedback", feedback(number))).json()
        due[registered["ticket_no"]] = _instant(registered["promised"]["accept_by"])
        free.append(connection)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number * within_seconds / count - time.monotonic()))
            group.create_task(send(number))


async def _watch(connection: Connection, due: Mapping[str, datetime], type_: str) -> Sequence[Seen]:
    """Read the feed until every deadline has its event, and a little longer: a second one must be seen too."""
    found: list[Seen] = []
    path = f"/v1/events?type={type_}&limit=200"
    position = (await connection.get(path)).json()["position"]
    given_up_at = time.monotonic() + WITHIN_SECONDS + TARGET_SECONDS + PATIENCE_SECONDS
    while time.monotonic() < given_up_at and not (len(due) == DEADLINES and len(_of(found, due)) >= DEADLINES):
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        page = (await connection.get(path + (f"&cursor={position}" if position else ""))).json()
        found += [_seen(item) for item in page["items"]]
        position = page["position"]
    return _of(found, due)


def _of(found: Sequence[Seen], due: Mapping[str, datetime]) -> Sequence[Seen]:
    return [each for each in found if each.ticket_no in due]


def _seen(item: Mapping[str, Any]) -> Seen:
    occurred_at = _instant(item["occurred_at"])
    detected_at = _instant(item["data"].get("detected_at", item["occurred_at"]))
    return Seen(item["ticket_no"], occurred_at, detected_at, datetime.now(UTC))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
