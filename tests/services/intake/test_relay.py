"""The relay hands every registration over, once the receiver is there (invariant I2)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from services.intake import relay as module
from services.intake.assembly import assemble_relay
from services.intake.relay import Relay
from services.intake.settings import IntakeSettings
from services.runtime.postgres.raw_statement import RawStatement
from services.runtime.service_client import ServiceClient
from tests.services.intake.harness import IntakeHarness, until


@asynccontextmanager
async def _relay(settings: IntakeSettings) -> AsyncIterator[None]:
    async with assemble_relay(settings):
        yield


async def _waiting(harness: IntakeHarness) -> int:
    async with harness.intake.database.read() as connection:
        count: int = (await connection.execute(text("SELECT count(*) FROM intake.outbox"))).scalar_one()
    return count


async def _until_nothing_waits(harness: IntakeHarness, but: int = 0) -> None:
    async with asyncio.timeout(30):
        while await _waiting(harness) > but:  # noqa: ASYNC110 - the database says when
            await asyncio.sleep(0.01)


async def test_a_registration_is_handed_over_within_a_second(harness: IntakeHarness, settings: IntakeSettings) -> None:
    async with _relay(settings):
        first = await harness.register()
        await until(lambda: harness.receiver.received)
        second = await harness.register()
        await until(lambda: len(harness.receiver.received) == 2, seconds=1)
        await _until_nothing_waits(harness)
    assert harness.receiver.received == [first["ticket_no"], second["ticket_no"]]


async def test_the_receiver_away_costs_nothing_and_is_caught_up_with(
    harness: IntakeHarness, settings: IntakeSettings
) -> None:
    await harness.receiver.stop()
    async with _relay(settings):
        numbers = [(await harness.register())["ticket_no"] for _ in range(130)]
        assert await _waiting(harness) == 130
        await harness.receiver.start()
        await _until_nothing_waits(harness)
    assert harness.receiver.received == numbers


async def test_a_registration_that_is_refused_stops_only_itself(
    harness: IntakeHarness, settings: IntakeSettings
) -> None:
    numbers = [(await harness.register())["ticket_no"] for _ in range(20)]
    harness.receiver.refused = {numbers[7]}
    async with _relay(settings):
        await until(lambda: len(harness.receiver.received) == 19)
        await until(lambda: harness.receiver.refusals > 1)
        await _until_nothing_waits(harness, but=1)  # the last one received is struck off a moment later
        async with harness.intake.database.read() as connection:
            rows = await connection.execute(text("SELECT ticket_no, attempts, last_error FROM intake.outbox"))
            row = rows.one()
        assert (row.ticket_no, row.last_error) == (numbers[7], "unavailable")
        assert row.attempts >= 1
        harness.receiver.refused = set()
        await until(lambda: len(harness.receiver.received) == 20)


async def test_two_relays_hand_each_registration_over_once(harness: IntakeHarness, settings: IntakeSettings) -> None:
    numbers = [(await harness.register())["ticket_no"] for _ in range(150)]
    async with _relay(settings), _relay(settings):
        await _until_nothing_waits(harness)
    assert sorted(harness.receiver.received) == sorted(numbers)


async def test_the_relay_rests_until_a_registration_that_waits_is_due(
    harness: IntakeHarness, settings: IntakeSettings
) -> None:
    peer = ServiceClient(settings.tickets_url, settings.internal_secret.get_secret_value())
    relay = Relay(harness.intake.database, peer, poll_seconds=60)
    assert await relay.drain() == 60
    harness.receiver.refused = {(await harness.register())["ticket_no"]}
    rest = await relay.drain()
    assert rest is not None
    assert 0.5 <= rest <= 1
    await harness.receiver.stop()
    await harness.register()
    assert await relay.drain() is None
    await peer.close()


async def test_a_row_without_its_feedback_waits_and_holds_up_nobody(
    harness: IntakeHarness, settings: IntakeSettings
) -> None:
    async with harness.intake.database.begin() as connection:
        await connection.execute(text("INSERT INTO intake.outbox (ticket_no) VALUES ('20200101001')"))
    known = (await harness.register())["ticket_no"]
    async with _relay(settings):
        await _until_nothing_waits(harness, but=1)
    assert harness.receiver.received == [known]
    async with harness.intake.database.read() as connection:
        row = (await connection.execute(text("SELECT ticket_no, last_error FROM intake.outbox"))).one()
    assert tuple(row) == ("20200101001", "not_answered")


async def test_a_hand_over_that_was_not_struck_off_is_repeated(
    harness: IntakeHarness, settings: IntakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a relay that was killed between the two: the receiver has the registration, the outbox still too."""
    number = (await harness.register())["ticket_no"]
    strike_off = module._STRIKE_OFF
    monkeypatch.setattr(module, "_STRIKE_OFF", RawStatement("SELECT 1 / 0 FROM intake.outbox WHERE id = ANY(:ids)"))
    monkeypatch.setattr(module, "_AWAY_SECONDS", 0.01)
    async with _relay(settings):
        await until(lambda: harness.receiver.received)
        assert await _waiting(harness) == 1
        monkeypatch.setattr(module, "_STRIKE_OFF", strike_off)
        await _until_nothing_waits(harness)
    assert set(harness.receiver.received) == {number}
    assert len(harness.receiver.received) > 1


async def test_what_waits_is_counted(harness: IntakeHarness, settings: IntakeSettings) -> None:
    harness.receiver.refused = {(await harness.register())["ticket_no"] for _ in range(3)}
    async with _relay(settings):
        await until(lambda: module.waiting._value.get() == 3)
