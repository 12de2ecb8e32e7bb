"""Feedback that arrives together is filed together, and each still gets its own answer (architecture.md)."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.contracts.feedback import Feedback
from services.intake.customers.identity import normalised
from services.intake.feedback.batch_insert import Draft, Gathering
from services.intake.feedback.origins import Origin
from services.intake.feedback.promises_copy import PromisesCopy
from services.intake.feedback.writer import Filing
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database
from tests.services.intake.harness import feedback
from tests.services.intake.test_ticket_numbers import SHANGHAI

AT = datetime(2024, 5, 20, 1, tzinfo=UTC)


class CountedGathering(Gathering):
    """A gathering that notes how many drafts each statement took, and fails when told to."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sizes: list[int] = []
        self.failure: Exception | None = None

    async def _send(self, drafts: Any) -> dict[int, str]:
        self.sizes.append(len(drafts))
        if self.failure:
            raise self.failure
        return await super()._send(drafts)


def spelled(body: dict[str, Any]) -> Feedback:
    """A feedback as the registrar hands it on."""
    arrived = Feedback.model_validate(body)
    return arrived.model_copy(update={"customer": normalised(arrived.customer)})


@dataclass
class BatchHarness:
    """Drafts of feedback, and where they go."""

    filing: Filing
    gathering: CountedGathering
    database: Database

    async def draft(self, key: str | None = None, *, vouches: bool = True, **changes: Any) -> Draft:
        """A draft of the feedback with `changes`, by a clerk who vouches for who sends it."""
        arrived = spelled(feedback(**changes))
        values = self.filing._values(arrived, Origin("staff:李雷", key, "hash", vouches=vouches), AT)
        return (await self.filing._draft(arrived, values, arrived.customer.tier or "standard")).values  # type: ignore[arg-type]

    async def customers(self) -> list[Any]:
        """Everything that is known of customers."""
        async with self.database.read() as connection:
            return list(await connection.execute(text("SELECT * FROM intake.customers")))

    async def count(self, table: str) -> int:
        """Rows of a table of intake."""
        async with self.database.read() as connection:
            rows: int = (await connection.execute(text(f"SELECT count(*) FROM intake.{table}"))).scalar_one()
        return rows


@pytest.fixture
async def harness(database: Database) -> BatchHarness:
    """A day on which one feedback of 韩梅梅 has been filed."""
    filing = Filing(database, PromisesCopy(database), zone=SHANGHAI, secret=b"identities")
    await filing.file(spelled(feedback()), Origin("staff:李雷", "first", "hash", vouches=True), AT)
    return BatchHarness(filing, CountedGathering(database), database)


async def test_what_arrives_together_is_filed_in_few_statements(harness: BatchHarness) -> None:
    drafts = [await harness.draft(customer={"name": "韩梅梅", "phone": f"138{n:08}"}) for n in range(100)]
    numbers = await asyncio.gather(*(harness.gathering.file(draft) for draft in drafts))
    assert None not in numbers
    assert len(set(numbers)) == 100
    assert sum(harness.gathering.sizes) == 100
    assert len(harness.gathering.sizes) <= 4
    assert await harness.count("feedback") == await harness.count("outbox") == await harness.count("customers") == 101


async def test_each_draft_gets_its_own_number(harness: BatchHarness) -> None:
    drafts = [await harness.draft(description=f"问题 {n}") for n in range(20)]
    numbers = await asyncio.gather(*(harness.gathering.file(draft) for draft in drafts))
    async with harness.database.read() as connection:
        found = text("SELECT ticket_no, content ->> 'description' AS description FROM intake.feedback")
        rows = await connection.execute(found)
        stored = {row.ticket_no: row.description for row in rows}
    assert [stored[number or ""] for number in numbers] == [f"问题 {n}" for n in range(20)]


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "first"},
        {"customer": {"name": "李四", "phone": "13800138000"}},
        {"customer": {"name": "韩梅梅", "phone": "13800138000", "tier": "vip"}},
        {"customer": {"name": "韩梅梅", "phone": "13800138000", "email": "h@example.com"}},
        {"customer": {"name": "韩梅梅", "phone": "13800138000", "customer_no": "C1001"}},
    ],
)
async def test_what_needs_a_second_look_is_left_out_and_holds_nobody_up(
    harness: BatchHarness, changes: dict[str, Any]
) -> None:
    before = await harness.count("customers")
    numbers = await asyncio.gather(
        harness.gathering.file(await harness.draft(**changes)), harness.gathering.file(await harness.draft())
    )
    assert numbers[0] is None
    assert numbers[1] is not None
    assert await harness.count("customers") == before


@pytest.mark.parametrize("said", [{"name": "李四"}, {"email": "h@example.com"}, {"tier": "vip"}])
async def test_what_nobody_vouches_for_is_filed_at_once_and_written_into_no_record(
    harness: BatchHarness, said: dict[str, Any]
) -> None:
    before = await harness.customers()
    customer = {"name": "韩梅梅", "phone": "13800138000", **said}
    assert await harness.gathering.file(await harness.draft(vouches=False, customer=customer)) is not None
    assert await harness.customers() == before


async def test_a_key_that_comes_twice_at_once_files_once(harness: BatchHarness) -> None:
    numbers = await asyncio.gather(*[harness.gathering.file(await harness.draft(key="k")) for _ in range(5)])
    assert sum(number is not None for number in numbers) == 1


async def test_a_new_customer_who_comes_twice_at_once_is_one(harness: BatchHarness) -> None:
    customer = {"name": "李四", "phone": "13900139000"}
    drafts = [await harness.draft(customer=customer) for _ in range(5)]
    await asyncio.gather(*(harness.gathering.file(draft) for draft in drafts))
    assert await harness.count("customers") == 2


async def test_a_day_without_numbers_needs_care(database: Database) -> None:
    filing = Filing(database, PromisesCopy(database), zone=SHANGHAI, secret=b"identities")
    harness = BatchHarness(filing, CountedGathering(database), database)
    assert await harness.gathering.file(await harness.draft()) is None
    assert await harness.count("customers") == 0


async def test_a_refused_statement_hands_everybody_to_care(harness: BatchHarness) -> None:
    harness.gathering.failure = DBAPIError(None, None, ValueError())
    assert await harness.gathering.file(await harness.draft()) is None


async def test_a_lost_database_is_unknown_to_everybody_who_waited(harness: BatchHarness) -> None:
    harness.gathering.failure = Unavailable()
    drafts = [await harness.draft() for _ in range(3)]
    answers = await asyncio.gather(*(harness.gathering.file(draft) for draft in drafts), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    harness.gathering.failure = None
    assert await harness.gathering.file(drafts[0]) is not None


async def test_a_sender_who_hangs_up_does_not_disturb_the_others(harness: BatchHarness) -> None:
    gone = asyncio.create_task(harness.gathering.file(await harness.draft()))
    stays = asyncio.create_task(harness.gathering.file(await harness.draft()))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays is not None
