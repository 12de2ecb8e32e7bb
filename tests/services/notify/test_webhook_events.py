"""Events that become deliveries, for whom, and how often (I6, I16)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.journal import EventType
from services.notify.settings import NotifySettings
from services.runtime.errors import Forbidden, ValidationFailed
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Caller
from tests.services.notify.webhook_harness import LOOPBACK, WebhookHarness, event

URL = "http://127.0.0.1:9/"
ONE, OTHER = "20261123001", "20261123002"
OWN, ELSEWHERE = "after-sales", "logistics"
T = EventType


@pytest.fixture
async def harness(database: Database) -> AsyncIterator[WebhookHarness]:
    """Webhooks of which nothing is sent here."""
    harness = WebhookHarness(database, NotifySettings(webhook_networks=LOOPBACK, link_secret="links"))
    yield harness
    await harness.close()


async def wanted(harness: WebhookHarness, webhook_id: str) -> list[str]:
    """The events that wait for a webhook."""
    return [row.event_id for row in await harness.deliveries(webhook_id)]


async def test_every_event_waits_once_for_every_webhook_however_often_it_is_told(harness: WebhookHarness) -> None:
    first, second = await harness.add(URL), await harness.add(URL)
    for _ in range(2):
        await harness.follow(event(ONE, 1), event(ONE, 2), event(OTHER, 1))
    for webhook in (first, second):
        assert await wanted(harness, webhook) == [f"{ONE}-1", f"{ONE}-2", f"{OTHER}-1"]


async def test_a_webhook_of_some_types_gets_only_those(harness: WebhookHarness) -> None:
    webhook = await harness.add(URL, types=[T.RESOLVED, T.CLOCK_BREACHED])
    await harness.follow(event(ONE, 1, T.RESOLVED), event(ONE, 2, T.CLOSED), event(ONE, 3, T.CLOCK_BREACHED))
    assert await wanted(harness, webhook) == [f"{ONE}-1", f"{ONE}-3"]


async def test_an_event_recorded_before_the_webhook_was_made_is_not_its(harness: WebhookHarness) -> None:
    webhook = await harness.add(URL)
    made_at = (await harness.row(webhook)).created_at
    moment = timedelta(microseconds=1)
    await harness.follow(
        event(ONE, 1, recorded_at=made_at - moment),
        event(ONE, 2, recorded_at=made_at),
        event(ONE, 3, recorded_at=made_at + moment),
    )
    assert await wanted(harness, webhook) == [f"{ONE}-2", f"{ONE}-3"]


async def test_a_webhook_of_a_department_gets_nothing_of_another(harness: WebhookHarness) -> None:
    webhook, everything = await harness.add(URL, department=OWN), await harness.add(URL)
    await harness.follow(
        event(ONE, 1, department=OWN), event(OTHER, 1, department=ELSEWHERE), event("20261123003", 1, department=None)
    )
    # A ticket that has no department yet is in everybody's queue.
    assert await wanted(harness, webhook) == [f"{ONE}-1", "20261123003-1"]
    assert len(await wanted(harness, everything)) == 3


async def test_events_go_to_the_department_that_the_ticket_had_at_each_of_them(harness: WebhookHarness) -> None:
    own, elsewhere = await harness.add(URL, department=OWN), await harness.add(URL, department=ELSEWHERE)
    # Read late: the ticket has moved already, and the feed tells where it is now.
    await harness.follow(
        event(ONE, 1, T.RECEIVED, data={"department": OWN}, department=ELSEWHERE),
        event(ONE, 2, T.RESPONDED, department=ELSEWHERE),
        event(ONE, 3, T.ASSIGNED, data={"department": ELSEWHERE, "owner": None}, department=ELSEWHERE),
    )
    await harness.follow(event(ONE, 4, T.RESOLVED, department=OWN))
    assert await wanted(harness, own) == [f"{ONE}-1", f"{ONE}-2"]
    assert await wanted(harness, elsewhere) == [f"{ONE}-3", f"{ONE}-4"]


async def test_departments_are_followed_while_nobody_listens(harness: WebhookHarness) -> None:
    await harness.follow(event(ONE, 1, T.RECEIVED, data={"department": OWN}, department=ELSEWHERE))
    webhook = await harness.add(URL, department=ELSEWHERE)
    await harness.follow(event(ONE, 2, department=ELSEWHERE))
    assert await wanted(harness, webhook) == []


async def test_an_event_told_late_goes_to_its_own_department_and_moves_no_ticket_back(harness: WebhookHarness) -> None:
    own, elsewhere = await harness.add(URL, department=OWN), await harness.add(URL, department=ELSEWHERE)
    moved = {"department": OWN, "owner": None}
    # The first assignment could not be applied in its turn, nor the message after it; meanwhile the ticket has moved.
    await harness.follow(event(ONE, 3, T.ASSIGNED, data={**moved, "department": ELSEWHERE}, department=ELSEWHERE))
    await harness.follow_late(event(ONE, 1, T.ASSIGNED, data=moved, department=ELSEWHERE))
    await harness.follow_late(event(ONE, 2, T.CUSTOMER_MESSAGE, department=ELSEWHERE))
    await harness.follow(event(ONE, 4, department=ELSEWHERE))
    assert await wanted(harness, own) == [f"{ONE}-1"]
    assert sorted(await wanted(harness, elsewhere)) == [f"{ONE}-2", f"{ONE}-3", f"{ONE}-4"]


async def test_a_move_told_late_ends_what_the_old_department_gets(harness: WebhookHarness) -> None:
    own = await harness.add(URL, department=OWN)
    await harness.follow(event(ONE, 1, T.RECEIVED, data={"department": OWN}, department=OWN))
    # Its failure has left the ticket where it was.
    await harness.follow_late(event(ONE, 2, T.ASSIGNED, data={"department": ELSEWHERE}, department=ELSEWHERE))
    await harness.follow(event(ONE, 3, department=ELSEWHERE))
    assert await wanted(harness, own) == [f"{ONE}-1"]


async def test_a_key_of_a_department_makes_webhooks_of_its_department_alone(harness: WebhookHarness) -> None:
    key = Caller(kind="api_key", id="k-1", name="ERP", scopes=frozenset({"webhooks:write"}), department=OWN)
    webhook = await harness.add(URL, by=key)
    assert (await harness.row(webhook)).department == OWN
    with pytest.raises(Forbidden):
        await harness.add(URL, by=key, department=ELSEWHERE)


async def test_a_department_that_does_not_exist_is_refused(harness: WebhookHarness) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        await harness.add(URL, department="nowhere")
    assert refusal.value.errors[0]["pointer"] == "/department"


async def test_a_webhook_that_is_switched_off_gets_nothing(harness: WebhookHarness) -> None:
    webhook = await harness.add(URL, active=False)
    await harness.follow(event(ONE, 1, recorded_at=datetime.now(UTC)))
    assert await wanted(harness, webhook) == []
