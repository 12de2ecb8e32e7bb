"""The relay hands every registration over, once the receiver is there (invariant I2)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from services.intake.assembly import assemble_relay
from services.intake.settings import IntakeSettings
from tests.services.intake.harness import Desk, until


@asynccontextmanager
async def _relay(settings: IntakeSettings) -> AsyncIterator[None]:
    async with assemble_relay(settings):
        yield


async def _waiting(desk: Desk) -> int:
    async with desk.intake.database.read() as connection:
        count: int = (await connection.execute(text("SELECT count(*) FROM intake.outbox"))).scalar_one()
    return count


async def _until_nothing_waits(desk: Desk, but: int = 0) -> None:
    async with asyncio.timeout(30):
        while await _waiting(desk) > but:  # noqa: ASYNC110 - the database says when
            await asyncio.sleep(0.01)


async def test_a_registration_is_handed_over_within_a_second(desk: Desk, settings: IntakeSettings) -> None:
    async with _relay(settings):
        first = await desk.register()
        await until(lambda: desk.receiver.received)
        second = await desk.register()
        await until(lambda: len(desk.receiver.received) == 2, seconds=1)
        await _until_nothing_waits(desk)
    assert desk.receiver.received == [first["ticket_no"], second["ticket_no"]]


async def test_the_receiver_away_costs_nothing_and_is_caught_up_with(desk: Desk, settings: IntakeSettings) -> None:
    await desk.receiver.stop()
    async with _relay(settings):
        numbers = [(await desk.register())["ticket_no"] for _ in range(130)]
        assert await _waiting(desk) == 130
        await desk.receiver.start()
        await _until_nothing_waits(desk)
    assert desk.receiver.received == numbers


async def test_a_registration_that_is_refused_stops_only_itself(desk: Desk, settings: IntakeSettings) -> None:
    numbers = [(await desk.register())["ticket_no"] for _ in range(20)]
    desk.receiver.refused = {numbers[7]}
    async with _relay(settings):
        await until(lambda: len(desk.receiver.received) == 19)
        await until(lambda: desk.receiver.refusals > 1)
        await _until_nothing_waits(desk, but=1)  # the last one received is struck off a moment later
        async with desk.intake.database.read() as connection:
            rows = await connection.execute(text("SELECT ticket_no, attempts, last_error FROM intake.outbox"))
            row = rows.one()
        assert (row.ticket_no, row.last_error) == (numbers[7], "unavailable")
        assert row.attempts >= 1
        desk.receiver.refused = set()
        await until(lambda: len(desk.receiver.received) == 20)


async def test_two_relays_hand_each_registration_over_once(desk: Desk, settings: IntakeSettings) -> None:
    numbers = [(await desk.register())["ticket_no"] for _ in range(150)]
    async with _relay(settings), _relay(settings):
        await _until_nothing_waits(desk)
    assert sorted(desk.receiver.received) == sorted(numbers)
