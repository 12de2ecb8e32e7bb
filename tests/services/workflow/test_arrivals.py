"""A ticket on its way from intake is entered once, whoever brings it (invariant I2)."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from services.access.directory_copy import DirectoryCopy, Roll
from services.contracts.feedback import Product, Registration
from services.contracts.vocabulary import Category, Channel, Kind, Priority, ServiceStage, Tier, Urgency
from services.runtime.errors import NotFound, Unavailable
from services.runtime.postgres.database import Database
from services.runtime.service_client import ServiceClient
from services.workflow.journal.arrivals import Arrivals
from services.workflow.journal.registration import Registrations
from services.workflow.views.queries import Queries

FIRST, SECOND = "20260101001", "20260101002"
LONG = 30.0
"""Seconds that the relay is waited for: longer than any test lasts."""


class Nobody(DirectoryCopy):
    """A directory without departments."""

    def __init__(self) -> None:
        """Ask nobody."""

    async def roll(self, **_: object) -> Roll:
        """Nobody."""
        return Roll()


class Intake(ServiceClient):
    """Intake, as far as it is asked for registrations."""

    def __init__(self, *known: str) -> None:
        super().__init__("http://intake", "")
        self.known = known
        self.asked: list[str] = []
        self.is_away = False

    async def get(self, path: str, **_: str | int) -> Any:
        """One registration."""
        ticket_no = path.rpartition("/")[2]
        self.asked.append(ticket_no)
        if self.is_away:
            raise Unavailable
        if ticket_no not in self.known:
            raise NotFound
        return registration(ticket_no).model_dump(mode="json")


class CountedRegistrations(Registrations):
    """Notes what it was asked to enter."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, Nobody())
        self.tried: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def register(self, registration: Registration) -> bool:
        """Enter one, when the gate is open."""
        self.tried.append(registration.ticket_no)
        await self.gate.wait()
        return await super().register(registration)


class Arriving:
    """A workflow service that tickets come to."""

    def __init__(self, database: Database, intake: Intake, hand_over_seconds: float) -> None:
        self.registrations = CountedRegistrations(database)
        self.queries = Queries(database)
        self.arrivals = Arrivals(database, self.registrations, intake, hand_over_seconds=hand_over_seconds)

    async def needs(self, ticket_no: str) -> "asyncio.Task[None]":
        """Somebody who needs a ticket and has begun to wait for it."""
        task = asyncio.create_task(self.arrivals.fetch(ticket_no))
        for _ in range(3):
            await asyncio.sleep(0)
        return task

    async def is_here(self, ticket_no: str) -> bool:
        """Whether the ticket can be read."""
        return await self.queries.find(ticket_no) is not None


def registration(ticket_no: str) -> Registration:
    """A registration as intake makes it."""
    return Registration(
        ticket_no=ticket_no,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        channel=Channel.WEB,
        language="zh-CN",
        customer_id="韩梅梅",
        tier=Tier.STANDARD,
        product=Product(model="BX-200"),
        service_stage=ServiceStage.AFTER_SALES,
        kind=Kind.COMPLAINT,
        category=Category.PRODUCT_FAULT,
        urgency=Urgency.NORMAL,
        priority=Priority.MEDIUM,
        affected_count=1,
        safety_risk=False,
        complete=True,
    )


async def test_whoever_needs_a_ticket_waits_for_the_relay_and_asks_nobody(database: Database) -> None:
    intake = Intake(FIRST)
    here = Arriving(database, intake, LONG)
    waiting = [await here.needs(FIRST) for _ in range(3)]
    await here.arrivals.hand_over([registration(FIRST), registration(SECOND)])
    await asyncio.gather(*waiting)
    assert (here.registrations.tried, intake.asked) == ([FIRST, SECOND], [])
    assert await here.is_here(FIRST)


async def test_a_ticket_that_the_relay_does_not_bring_is_fetched_once_for_all_who_need_it(database: Database) -> None:
    intake = Intake(FIRST)
    here = Arriving(database, intake, 0)
    await asyncio.gather(*(here.arrivals.fetch(FIRST) for _ in range(4)))
    assert (here.registrations.tried, intake.asked) == ([FIRST], [FIRST])
    assert await here.is_here(FIRST)


async def test_a_ticket_that_another_process_was_handed_meanwhile_is_not_fetched(database: Database) -> None:
    intake = Intake(FIRST)
    here, other = Arriving(database, intake, 0), Arriving(database, intake, 0)
    await other.arrivals.hand_over([registration(FIRST)])
    await here.arrivals.fetch(FIRST)
    assert (here.registrations.tried, intake.asked) == ([], [])


async def test_the_relay_leaves_out_what_was_fetched_before_it_came(database: Database) -> None:
    here = Arriving(database, Intake(FIRST), 0)
    await here.arrivals.fetch(FIRST)
    await here.arrivals.hand_over([registration(FIRST), registration(SECOND)])
    await here.arrivals.hand_over([registration(FIRST), registration(SECOND)])
    assert here.registrations.tried == [FIRST, SECOND]
    assert await here.is_here(SECOND)


async def test_a_ticket_that_comes_both_ways_at_once_is_there_once(database: Database) -> None:
    here = Arriving(database, Intake(FIRST), 0)
    here.registrations.gate.clear()
    fetching = asyncio.create_task(here.arrivals.fetch(FIRST))
    handing = asyncio.create_task(here.arrivals.hand_over([registration(FIRST)]))
    while len(here.registrations.tried) < 2:  # noqa: ASYNC110 - both have come when they have tried
        await asyncio.sleep(0)
    here.registrations.gate.set()
    await asyncio.gather(fetching, handing)
    assert [row["seq"] for row in (await here.queries.timeline(FIRST, 10, None))[0]] == [1]


async def test_a_number_that_nobody_gave_is_no_ticket(database: Database) -> None:
    here = Arriving(database, Intake(), 0)
    with pytest.raises(NotFound):
        await here.arrivals.fetch(FIRST)
    assert here.registrations.tried == []


async def test_a_fetch_that_failed_is_tried_again_by_whoever_comes_next(database: Database) -> None:
    intake = Intake(FIRST)
    here = Arriving(database, intake, 0)
    intake.is_away = True
    with pytest.raises(Unavailable):
        await here.arrivals.fetch(FIRST)
    intake.is_away = False
    await here.arrivals.fetch(FIRST)
    assert await here.is_here(FIRST)


async def test_whoever_hangs_up_takes_the_ticket_from_nobody(database: Database) -> None:
    here = Arriving(database, Intake(FIRST), LONG)
    hung_up, patient = await here.needs(FIRST), await here.needs(FIRST)
    hung_up.cancel()
    await here.arrivals.hand_over([registration(FIRST)])
    await patient
    assert await here.is_here(FIRST)
