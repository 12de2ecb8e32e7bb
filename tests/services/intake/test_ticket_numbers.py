"""Ticket numbers: business date and serial, unique for ever (product.md 4)."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from services.contracts.feedback import Feedback
from services.intake.feedback.numbering import business_date
from services.intake.feedback.origins import Origin
from services.intake.feedback.promises_copy import PromisesCopy
from services.intake.feedback.registrar import Registrar
from services.intake.feedback.writer import FeedbackWriter
from services.intake.links.tokens import TicketLinks
from services.runtime.postgres.database import Database
from tests.services.intake.harness import feedback, keyed

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class NumberingHarness:
    """A registrar whose clock the test sets."""

    database: Database
    at: datetime

    def __post_init__(self) -> None:
        self.registrar = Registrar(
            self.database,
            FeedbackWriter(self.database, PromisesCopy(self.database), zone=SHANGHAI, secret=b"identities"),
            TicketLinks("http://bihuan.example", "links"),
            filed=lambda: None,
            now=lambda: self.at,
        )

    async def number(self) -> str:
        """Register a feedback and return its number."""
        receipt = await self.registrar.register(Feedback.model_validate(feedback()), Origin(keyed("staff:李雷")))
        return receipt.registered.ticket_no


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (datetime(2024, 5, 19, 15, 59, 59, 999999, UTC), "20240519"),
        (datetime(2024, 5, 19, 16, 0, tzinfo=UTC), "20240520"),
        (datetime(2024, 5, 19, 16, 0, 0, 1, UTC), "20240520"),
    ],
)
def test_the_date_changes_at_midnight_in_shanghai(at: datetime, number: str) -> None:
    assert business_date(at, SHANGHAI).strftime("%Y%m%d") == number


async def test_the_first_number_of_a_day_ends_in_001(database: Database) -> None:
    harness = NumberingHarness(database, datetime(2024, 5, 20, 1, tzinfo=UTC))
    assert [await harness.number() for _ in range(3)] == ["20240520001", "20240520002", "20240520003"]


async def test_serials_begin_again_with_the_day(database: Database) -> None:
    harness = NumberingHarness(database, datetime(2024, 5, 20, 15, 59, 59, tzinfo=UTC))
    assert await harness.number() == "20240520001"
    harness.at = datetime(2024, 5, 20, 16, 0, tzinfo=UTC)
    assert await harness.number() == "20240521001"
    harness.at = datetime(2024, 5, 20, 15, 59, 59, tzinfo=UTC)
    assert await harness.number() == "20240520003"


async def test_serials_grow_past_999(database: Database) -> None:
    harness = NumberingHarness(database, datetime(2024, 5, 20, 1, tzinfo=UTC))
    await harness.number()
    async with database.begin() as connection:
        await connection.execute(text("SELECT nextval('intake.ticket_serial') FROM generate_series(1, 997)"))
    assert [await harness.number() for _ in range(2)] == ["20240520999", "202405201000"]


async def test_32_racers_at_the_start_of_a_day_get_32_numbers(database_url: str) -> None:
    databases = [Database(database_url, role="bihuan_app", pool_size=8) for _ in range(4)]
    counters = [NumberingHarness(each, datetime(2024, 5, 20, 16, tzinfo=UTC)) for each in databases for _ in range(8)]
    numbers = await asyncio.gather(*(harness.number() for harness in counters))
    assert len(set(numbers)) == 32
    assert {number[:8] for number in numbers} == {"20240521"}
    for each in databases:
        await each.dispose()


async def test_racers_around_midnight_never_share_a_number(database_url: str) -> None:
    databases = [Database(database_url, role="bihuan_app", pool_size=8) for _ in range(2)]
    before = NumberingHarness(databases[0], datetime(2024, 5, 20, 15, 59, 59, tzinfo=UTC))
    after = NumberingHarness(databases[1], datetime(2024, 5, 20, 16, tzinfo=UTC))
    numbers = await asyncio.gather(*(harness.number() for _ in range(25) for harness in (before, after)))
    assert len(set(numbers)) == 50
    assert all(int(number[8:]) > 0 for number in numbers)
    for each in databases:
        await each.dispose()
