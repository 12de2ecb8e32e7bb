"""One event reaches one receiver: signed, in order, again until it is taken, and no longer than it should (I6)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from pydantic import JsonValue
from sqlalchemy import func, update
from standardwebhooks import WebhookVerificationError

from services.contracts.journal import EventType
from services.notify.settings import NotifySettings
from services.notify.webhooks.metrics import count, deliveries_total, oldest_gauge, pending_gauge
from services.notify.webhooks.states import DeliveryState, DisabledReason
from services.notify.webhooks.tables import deliveries, lanes, webhooks
from services.notify.webhooks.worker import sweep
from services.runtime.postgres.database import Database
from tests.services.notify.webhook_harness import DAY, HOUR, LOOPBACK, MINUTE, NOON, SECOND, WebhookHarness, event
from tests.services.notify.webhook_receiver import Received, Receiver, never, receiving

S = DeliveryState
SETTINGS: dict[str, Any] = {"webhook_networks": LOOPBACK, "webhook_seconds": 20.0, "link_secret": "links"}
ONE, OTHER = "20261123001", "20261123002"
FIRST_PAUSE, LONGEST_PAUSE = 6 * SECOND, timedelta(hours=7.2)
"""With the jitter on top: 5 seconds and 6 hours, and a fifth."""


@pytest.fixture
async def harness(database: Database) -> AsyncIterator[WebhookHarness]:
    """Webhooks that may reach this machine."""
    harness = WebhookHarness(database, NotifySettings(**SETTINGS))
    yield harness
    await harness.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody else's machine."""
    async with receiving() as receiver:
        yield receiver


async def test_an_event_arrives_thin_signed_and_once(harness: WebhookHarness, receiver: Receiver) -> None:
    webhook = await harness.add(receiver.url)
    await harness.follow(
        event(ONE, 3, EventType.WAITING, data={"reason": "parts"}, body={"note": "等配件，电话 13800138000"})
    )
    carried = await harness.carry(webhook)
    assert carried.next_at is None
    assert not carried.over
    await harness.carry(webhook)
    (received,) = receiver.received
    assert received.verified(harness.secrets[webhook]) == {
        "type": "ticket.waiting",
        "id": f"{ONE}-3",
        "occurred_at": "2026-11-23T04:00:00Z",
        "ticket_no": ONE,
        "seq": 3,
        "data": {"reason": "parts", "from": "processing.assigned", "to": "processing.assigned", "cycle": 1},
    }
    assert received.id == f"{ONE}-3"
    assert received.headers["Content-Type"] == "application/json"
    assert await harness.states(webhook) == [S.DELIVERED]
    assert await harness.count(lanes) == 0


async def test_words_that_people_choose_stay_out_of_a_body(harness: WebhookHarness, receiver: Receiver) -> None:
    webhook, said = await harness.add(receiver.url), "韩梅梅 13800138000"
    classified: dict[str, JsonValue] = {"kind": "fault", "subcategory": said}
    await harness.follow(
        event(ONE, 1, EventType.ACCEPTED, data=classified),
        event(ONE, 2, EventType.TAGGED, data={"add": [said], "remove": [said]}),
        event(ONE, 3, EventType.CLOSED, data={"reason": "unresolved", "reason_code": said}),
    )
    entered = update(deliveries).where(deliveries.c.event_id == f"{ONE}-1")
    async with harness.database.begin() as connection:
        await connection.execute(entered.values(data={**classified, "from": None, "to": "closed", "cycle": 1}))
    await harness.carry(webhook)
    bodies = [received.verified(harness.secrets[webhook])["data"] for received in receiver.received]
    assert [set(body) - {"from", "to", "cycle"} for body in bodies] == [{"kind"}, set(), {"reason"}]
    assert "13800138000" not in str(bodies)


async def test_somebody_else_s_secret_does_not_verify(harness: WebhookHarness, receiver: Receiver) -> None:
    webhook, other = await harness.add(receiver.url), await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    await harness.carry(webhook)
    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verified(harness.secrets[other])


async def test_the_events_of_a_ticket_arrive_in_order_and_those_of_others_beside_them(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    async def slowly(_: Received) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return web.Response()

    receiver.answer = slowly
    webhook = await harness.add(receiver.url)
    numbers = [f"2026112310{number}" for number in range(5)]
    await harness.follow(*(event(number, seq) for seq in range(1, 11) for number in numbers))
    await harness.carry(webhook)
    for number in numbers:
        assert receiver.seqs(number) == list(range(1, 11))
    assert 2 <= receiver.most_under_way <= 5


async def test_no_more_requests_at_once_than_are_allowed(harness: WebhookHarness, receiver: Receiver) -> None:
    full = asyncio.Event()

    async def waits_for_the_others(_: Received) -> web.StreamResponse:
        if receiver.most_under_way == harness.settings.webhook_parallel:
            full.set()
        await full.wait()
        return web.Response()

    receiver.answer = waits_for_the_others
    webhook = await harness.add(receiver.url)
    await harness.follow(*(event(f"20261123{number}", 1) for number in range(300, 330)))
    await harness.carry(webhook)
    assert len(receiver.received) == 30
    assert receiver.most_under_way == harness.settings.webhook_parallel


async def test_a_failure_is_tried_again_under_the_same_id_after_a_pause_and_not_before(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    receiver.answers(500, 200)
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1), event(ONE, 2))
    carried = await harness.carry(webhook)
    assert receiver.ids == [f"{ONE}-1"]
    assert carried.next_at
    assert 3 * SECOND <= carried.next_at - NOON <= FIRST_PAUSE + SECOND
    await harness.carry(webhook, carried.next_at - NOON - SECOND)
    assert receiver.ids == [f"{ONE}-1"]
    await harness.carry(webhook, carried.next_at - NOON)
    assert receiver.ids == [f"{ONE}-1", f"{ONE}-1", f"{ONE}-2"]
    assert receiver.received[0].text == receiver.received[1].text
    first, _ = await harness.deliveries(webhook)
    assert [(each["status"], each["error"]) for each in first.attempts] == [(500, "status"), (200, None)]
    assert await harness.states(webhook) == [S.DELIVERED, S.DELIVERED]


async def test_a_delivery_that_fails_holds_its_ticket_and_no_other(harness: WebhookHarness, receiver: Receiver) -> None:
    async def refuses_one(received: Received) -> web.StreamResponse:
        return web.Response(status=500 if received.body["ticket_no"] == ONE else 200)

    receiver.answer = refuses_one
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1), event(ONE, 2), event(OTHER, 1), event(OTHER, 2))
    await harness.carry(webhook)
    assert receiver.seqs(ONE) == [1]
    assert receiver.seqs(OTHER) == [1, 2]


async def test_pauses_grow_to_the_longest_one_and_after_three_days_it_is_exhausted(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    receiver.answers(500)
    webhook = await harness.add(receiver.url, description="ERP")
    await harness.follow(event(ONE, 1), event(ONE, 2))
    pauses, at = [], timedelta(0)
    while S.EXHAUSTED not in await harness.states(webhook):
        carried = await harness.carry(webhook, at)
        if carried.next_at:
            pauses.append(carried.next_at - NOON - at)
            at = carried.next_at - NOON
    growing = pauses[:6]
    assert growing == sorted(growing)
    assert max(pauses) <= LONGEST_PAUSE
    assert 3 * DAY <= at <= 3 * DAY + MINUTE
    assert 12 <= len(receiver.seqs(ONE)) <= 30
    assert set(receiver.ids) == {f"{ONE}-1", f"{ONE}-2"}
    # What waited behind it has its try, and does not take three days more.
    assert await harness.states(webhook) == [S.EXHAUSTED, S.EXHAUSTED]
    assert receiver.ids.count(f"{ONE}-2") == 1


async def test_administrators_are_told_of_exhausted_deliveries_once_a_day(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    receiver.answers(500)
    webhook = await harness.add(receiver.url, description="ERP")
    await harness.follow(event(ONE, 1), event(ONE, 2), event(OTHER, 1))
    await harness.carry(webhook)
    carried = await harness.carry(webhook, 3 * DAY + MINUTE)
    assert await harness.states(webhook) == [S.EXHAUSTED] * 3
    (notice,) = await harness.notices()
    assert notice.kind == "webhook_exhausted"
    assert notice.facts == {"webhook_id": webhook, "description": "ERP", "failed": 3}
    assert carried.next_at is None
    await harness.follow(event(ONE, 3))
    await harness.carry(webhook, 3 * DAY + 2 * MINUTE)
    await harness.carry(webhook, 6 * DAY + 3 * MINUTE)
    assert len(await harness.notices()) == 2


async def test_a_lane_that_delivers_again_starts_with_short_pauses(harness: WebhookHarness, receiver: Receiver) -> None:
    receiver.answers(500, 500, 500, 200, 500)
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    for hours in range(4):
        await harness.carry(webhook, hours * HOUR)
    await harness.follow(event(ONE, 2))
    carried = await harness.carry(webhook, 4 * HOUR)
    assert carried.next_at
    assert carried.next_at - NOON - 4 * HOUR <= FIRST_PAUSE + SECOND


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirection_is_a_failure_and_is_not_followed(
    harness: WebhookHarness, receiver: Receiver, status: int
) -> None:
    async with receiving() as elsewhere:
        receiver.answers(status, Location=elsewhere.url)
        webhook = await harness.add(receiver.url)
        await harness.follow(event(ONE, 1))
        await harness.carry(webhook)
        assert elsewhere.received == []
    (delivery,) = await harness.deliveries(webhook)
    assert (delivery.state, delivery.attempts[0]["error"]) == (S.PENDING, "redirect")


async def test_410_switches_the_webhook_off_and_what_waits_falls(harness: WebhookHarness, receiver: Receiver) -> None:
    receiver.answers(410)
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1), event(ONE, 2))
    carried = await harness.carry(webhook)
    await harness.follow(event(ONE, 3))
    await harness.carry(webhook, HOUR)
    assert receiver.ids == [f"{ONE}-1"]
    assert await harness.states(webhook) == [S.CANCELLED, S.CANCELLED]
    row = await harness.row(webhook)
    assert (row.active, row.disabled_reason) == (False, DisabledReason.GONE)
    assert carried.over
    assert len(await harness.notices()) == 1


async def test_retry_after_in_seconds_holds_the_whole_webhook(harness: WebhookHarness, receiver: Receiver) -> None:
    receiver.answers(429, 200, Retry_After="600")
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    carried = await harness.carry(webhook)
    assert carried.next_at
    assert 10 * MINUTE <= carried.next_at - NOON <= 10 * MINUTE + 2 * SECOND
    await harness.follow(event(OTHER, 1))
    await harness.carry(webhook, 9 * MINUTE)
    assert len(receiver.received) == 1
    await harness.carry(webhook, 10 * MINUTE + 2 * SECOND)
    assert len(receiver.received) == 3


async def test_retry_after_as_a_date_is_honoured(harness: WebhookHarness, receiver: Receiver) -> None:
    receiver.answers(503, Retry_After=format_datetime(datetime.now(UTC) + HOUR, usegmt=True))
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    carried = await harness.carry(webhook)
    assert carried.next_at
    assert 59 * MINUTE <= carried.next_at - NOON <= 61 * MINUTE


async def test_a_receiver_may_ask_for_six_hours_and_not_for_more(harness: WebhookHarness, receiver: Receiver) -> None:
    receiver.answers(503, Retry_After="99999999999999999999")
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    carried = await harness.carry(webhook)
    assert carried.next_at
    assert 6 * HOUR <= carried.next_at - NOON <= 6 * HOUR + 2 * SECOND


@pytest.mark.parametrize("asked", ["-5", "soon", "1e9", "", "Mon, 99 Nov 2026 00:00:00 GMT"])
async def test_a_retry_after_that_cannot_be_read_is_ignored(
    harness: WebhookHarness, receiver: Receiver, asked: str
) -> None:
    receiver.answers(503, Retry_After=asked)
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    carried = await harness.carry(webhook)
    assert carried.next_at
    assert carried.next_at - NOON <= FIRST_PAUSE + SECOND


async def test_a_receiver_that_never_answers_costs_its_time_and_is_tried_again(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    receiver.answer = never
    hasty = WebhookHarness(harness.database, NotifySettings(**SETTINGS | {"webhook_seconds": 0.3}))
    webhook = await hasty.add(receiver.url)
    await hasty.follow(event(ONE, 1))
    carried = await hasty.carry(webhook)
    await hasty.close()
    assert carried.next_at
    (delivery,) = await harness.deliveries(webhook)
    (attempt,) = delivery.attempts
    assert (attempt["status"], attempt["error"]) == (None, "timeout")
    assert 300 <= attempt["duration_ms"] < 20_000


async def test_an_answer_that_never_ends_counts_by_its_status(harness: WebhookHarness, receiver: Receiver) -> None:
    async def endless(received: Received) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        await response.prepare(received.request)
        while True:
            await response.write(b"x" * 65_536)

    receiver.answer = endless
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    await harness.carry(webhook)
    assert await harness.states(webhook) == [S.DELIVERED]


async def test_a_machine_that_is_switched_off_is_tried_again(harness: WebhookHarness) -> None:
    async with receiving() as receiver:
        webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    await harness.carry(webhook)
    (delivery,) = await harness.deliveries(webhook)
    assert (delivery.state, delivery.attempts[0]["error"]) == (S.PENDING, "not_connected")


async def test_a_dead_receiver_rests_and_is_not_asked_once_for_every_ticket(harness: WebhookHarness) -> None:
    async with receiving() as receiver:
        url = receiver.url
    webhook = await harness.add(url)
    await harness.follow(*(event(f"2026112340{number:03}", 1) for number in range(100)))
    carried = await harness.carry(webhook)
    tried = [row for row in await harness.deliveries(webhook) if row.attempts]
    assert 5 <= len(tried) <= 5 + harness.settings.webhook_parallel
    assert carried.next_at
    assert MINUTE <= carried.next_at - NOON <= MINUTE + 2 * SECOND
    async with receiving(port=receiver.port) as back:
        await harness.carry(webhook, carried.next_at - NOON)
        # The first success lets everything go, also what would have had to wait longer.
        await harness.carry(webhook, carried.next_at - NOON)
        assert len(set(back.ids)) == 100
    assert set(await harness.states(webhook)) == {S.DELIVERED}


async def test_after_a_rotation_the_old_secret_and_the_new_one_verify(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    webhook = await harness.add(receiver.url)
    old, new = harness.secrets[webhook], await harness.rotate(webhook)
    await harness.follow(event(ONE, 1))
    await harness.carry(webhook)
    (received,) = receiver.received
    assert old != new
    assert received.verified(old) == received.verified(new)
    assert len(received.headers["webhook-signature"].split(" ")) == 2


async def test_once_the_overlap_is_over_only_the_new_secret_verifies(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    webhook = await harness.add(receiver.url)
    old, new = harness.secrets[webhook], await harness.rotate(webhook)
    older = [{**(await harness.row(webhook)).older_secrets[0], "until": "2026-01-01T00:00:00Z"}]
    await harness.store(update(webhooks).where(webhooks.c.id == webhook).values(older_secrets=older))
    await harness.follow(event(ONE, 1))
    await harness.carry(webhook)
    assert receiver.received[0].verified(new)
    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verified(old)


async def test_secrets_are_not_readable_in_the_database(harness: WebhookHarness, receiver: Receiver) -> None:
    webhook = await harness.add(receiver.url)
    first, second = harness.secrets[webhook], await harness.rotate(webhook)
    row = str(await harness.row(webhook))
    assert first not in row
    assert second not in row


async def test_secrets_sealed_with_another_key_hold_the_deliveries_and_do_not_go_out_unsigned(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    changed = WebhookHarness(harness.database, NotifySettings(webhook_networks=LOOPBACK, link_secret="another"))
    await changed.carry(webhook)
    assert receiver.received == []
    (delivery,) = await harness.deliveries(webhook)
    assert delivery.attempts[0]["error"] == "secret_unreadable"


async def test_switched_off_in_between_nothing_goes_and_switched_on_only_what_is_new(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    await harness.change(webhook, active=False)
    await harness.follow(event(ONE, 2))
    assert (await harness.carry(webhook)).over
    assert await harness.states(webhook) == [S.CANCELLED]
    missed = datetime.now(UTC)
    await harness.change(webhook, active=True)
    await harness.follow(event(ONE, 3, recorded_at=missed), event(ONE, 4))
    await harness.carry(webhook)
    assert receiver.ids == [f"{ONE}-4"]


async def test_a_new_address_gets_at_once_what_the_old_one_did_not_take(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    receiver.answers(500)
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    await harness.carry(webhook)
    async with receiving() as better:
        await harness.change(webhook, url=better.url)
        await harness.carry(webhook, SECOND)
        assert better.ids == [f"{ONE}-1"]


async def test_a_deleted_webhook_is_gone_with_everything_of_it(harness: WebhookHarness, receiver: Receiver) -> None:
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    await harness.delete(webhook)
    assert (await harness.carry(webhook)).over
    assert await harness.row(webhook) is None
    assert await harness.count(deliveries) == 0
    assert receiver.received == []
    assert (await harness.carry(webhook)).over


async def test_a_pass_that_is_told_to_stop_takes_up_nothing_and_says_that_there_is_more(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    carried = await harness.carry(webhook, stopping=True)
    assert receiver.received == []
    # A timer hands it to another worker; this one would only come back at once.
    assert carried.next_at == NOON + SECOND


async def test_a_pass_that_is_broken_off_is_repeated_under_the_same_id(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    arrived = asyncio.Event()

    async def answers_too_late(_: Received) -> web.StreamResponse:
        arrived.set()
        return await never(_)

    receiver.answer = answers_too_late
    under_way = asyncio.create_task(harness.carry(webhook))
    await arrived.wait()
    under_way.cancel()
    await asyncio.gather(under_way, return_exceptions=True)
    receiver.answers(200)
    await harness.carry(webhook)
    assert receiver.ids == [f"{ONE}-1", f"{ONE}-1"]
    assert await harness.states(webhook) == [S.DELIVERED]


async def test_what_enters_while_a_lane_is_emptied_is_not_left_behind(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    webhook = await harness.add(receiver.url)

    async def meanwhile(received: Received) -> web.StreamResponse:
        if received.body["seq"] < 20:
            await harness.follow(event(ONE, received.body["seq"] + 1))
        return web.Response()

    receiver.answer = meanwhile
    await harness.follow(event(ONE, 1))
    await harness.carry(webhook)
    assert receiver.seqs(ONE) == list(range(1, 21))
    assert await harness.count(lanes) == 0


async def test_ended_deliveries_are_forgotten_after_a_while_and_waiting_ones_never(
    harness: WebhookHarness, receiver: Receiver
) -> None:
    receiver.answers(200, 500)
    webhook = await harness.add(receiver.url)
    await harness.follow(event(ONE, 1))
    await harness.carry(webhook)
    await harness.follow(event(OTHER, 1))
    await harness.carry(webhook)
    assert await sweep(harness.database, 30 * DAY) == 0
    await harness.store(update(deliveries).values(created_at=func.now() - 31 * DAY))
    assert await sweep(harness.database, 30 * DAY) == 1
    assert await harness.states(webhook) == [S.PENDING]


async def test_what_waits_and_what_was_tried_is_counted(harness: WebhookHarness, receiver: Receiver) -> None:
    def tries(outcome: str) -> float:
        return deliveries_total.labels(outcome)._value.get()  # type: ignore[no-any-return]

    receiver.answers(500, 200)
    webhook = await harness.add(receiver.url)
    failed, delivered = tries("failed"), tries("delivered")
    await harness.follow(event(ONE, 1), event(ONE, 2))
    await harness.carry(webhook)
    await count(harness.database)
    assert pending_gauge._value.get() == 2
    assert oldest_gauge._value.get() >= 0
    await harness.carry(webhook, MINUTE)
    await count(harness.database)
    assert pending_gauge._value.get() == 0
    assert (tries("failed"), tries("delivered")) == (failed + 1, delivered + 2)
