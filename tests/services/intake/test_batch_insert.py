"""Feedback that arrives together is filed together, and each still gets its own answer (architecture.md)."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.contracts.feedback import Feedback
from services.intake.customers.identity import normalised
from services.intake.feedback.batch_insert import BatchInsert, Draft, InsertResult
from services.intake.feedback.insert_statement import Reason
from services.intake.feedback.origins import Origin
from services.intake.feedback.promises_copy import PromisesCopy
from services.intake.feedback.writer import FeedbackWriter
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database
from tests.services.intake.harness import feedback, keyed
from tests.services.intake.test_ticket_numbers import SHANGHAI

AT = datetime(2024, 5, 20, 1, tzinfo=UTC)


class CountedBatches(BatchInsert):
    """Batches of which the harness knows how many drafts each statement took; they fail when told to."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sizes: list[int] = []
        self.failure: Exception | None = None

    async def _send(self, drafts: Any, *, alone: bool = False) -> Sequence[InsertResult]:
        self.sizes.append(len(drafts))
        if self.failure:
            raise self.failure
        return await super()._send(drafts, alone=alone)


def spelled(body: dict[str, Any]) -> Feedback:
    """A feedback as the registrar hands it on."""
    arrived = Feedback.model_validate(body)
    return arrived.model_copy(update={"customer": normalised(arrived.customer)})


@dataclass
class BatchHarness:
    """Drafts of feedback, and where they go."""

    writer: FeedbackWriter
    batches: CountedBatches
    database: Database

    async def draft(self, key: str | None = None, *, vouches: bool = True, **changes: Any) -> Draft:
        """A draft of the feedback with `changes`, by a clerk who vouches for who sends it."""
        arrived = spelled(feedback(**changes))
        values = self.writer._values(arrived, Origin(keyed("staff:李雷", key), vouches=vouches), AT)
        return (await self.writer._draft(arrived, values, arrived.customer.tier or "standard")).values  # type: ignore[arg-type]

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
    writer = FeedbackWriter(database, PromisesCopy(database), zone=SHANGHAI, secret=b"identities")
    await writer.file(spelled(feedback()), Origin(keyed("staff:李雷", "first"), vouches=True), AT)
    return BatchHarness(writer, CountedBatches(database), database)


async def _numbers(harness: BatchHarness, drafts: Iterable[Draft]) -> list[str | None]:
    return [it.ticket_no for it in await asyncio.gather(*(harness.batches.file(draft) for draft in drafts))]


async def test_what_arrives_together_is_filed_in_few_statements(harness: BatchHarness) -> None:
    drafts = [await harness.draft(customer={"name": "韩梅梅", "phone": f"138{n:08}"}) for n in range(100)]
    numbers = await _numbers(harness, drafts)
    assert None not in numbers
    assert len(set(numbers)) == 100
    assert sum(harness.batches.sizes) == 100
    assert len(harness.batches.sizes) <= 4
    assert await harness.count("feedback") == await harness.count("outbox") == await harness.count("customers") == 101


async def test_each_draft_gets_its_own_number(harness: BatchHarness) -> None:
    drafts = [await harness.draft(description=f"问题 {n}") for n in range(20)]
    numbers = await _numbers(harness, drafts)
    async with harness.database.read() as connection:
        found = text("SELECT ticket_no, content ->> 'description' AS description FROM intake.feedback")
        rows = await connection.execute(found)
        stored = {row.ticket_no: row.description for row in rows}
    assert [stored[number or ""] for number in numbers] == [f"问题 {n}" for n in range(20)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key": "first"}, Reason.KEY_TAKEN),
        ({"customer": {"name": "李四", "phone": "13800138000"}}, Reason.CUSTOMER_CHANGES),
        ({"customer": {"name": "韩梅梅", "phone": "13800138000", "tier": "vip"}}, Reason.CUSTOMER_CHANGES),
        ({"customer": {"name": "韩梅梅", "phone": "13800138000", "email": "h@example.com"}}, Reason.CUSTOMER_CHANGES),
        ({"customer": {"name": "韩梅梅", "phone": "13800138000", "customer_no": "C1001"}}, Reason.CUSTOMER_CHANGES),
    ],
)
async def test_what_needs_a_second_look_is_told_why_and_holds_nobody_up(
    harness: BatchHarness, changes: dict[str, Any], reason: Reason
) -> None:
    before = await harness.customers()
    drafts = [await harness.draft(**changes), await harness.draft()]
    odd, plain = await asyncio.gather(*(harness.batches.file(draft) for draft in drafts))
    assert (odd.ticket_no, odd.reason) == (None, reason)
    assert plain.ticket_no is not None
    assert await harness.customers() == before


async def test_what_changes_a_customer_is_filed_alone_and_written_into_their_record(harness: BatchHarness) -> None:
    customer = {"name": "李四", "phone": "13800138000", "email": "h@example.com", "customer_no": "C1001"}
    assert (await harness.batches.file_alone(await harness.draft(customer=customer))).ticket_no is not None
    [known] = await harness.customers()
    assert (known.name, known.email, known.customer_no) == ("李四", "h@example.com", "C1001")


async def test_a_customer_of_another_tier_is_told_of_with_the_tier(harness: BatchHarness) -> None:
    async with harness.database.begin() as connection:
        await connection.execute(text("UPDATE intake.customers SET tier = 'vip'"))
    for file in (harness.batches.file, harness.batches.file_alone):
        result = await file(await harness.draft())
        assert (result.ticket_no, result.reason, result.tier) == (None, Reason.OTHER_TIER, "vip")


async def test_a_policy_that_is_not_stored_is_told_of(harness: BatchHarness) -> None:
    draft = {**await harness.draft(), "policy": "unheard-of"}
    for file in (harness.batches.file, harness.batches.file_alone):
        assert (await file(draft)).reason is Reason.POLICY_UNKNOWN
    assert await harness.count("feedback") == 1


@pytest.mark.parametrize("said", [{"name": "李四"}, {"email": "h@example.com"}, {"tier": "vip"}])
async def test_what_nobody_vouches_for_is_filed_at_once_and_written_into_no_record(
    harness: BatchHarness, said: dict[str, Any]
) -> None:
    before = await harness.customers()
    customer = {"name": "韩梅梅", "phone": "13800138000", **said}
    assert await _numbers(harness, [await harness.draft(vouches=False, customer=customer)]) != [None]
    assert await harness.customers() == before


async def test_a_key_that_comes_twice_at_once_files_once(harness: BatchHarness) -> None:
    results = await asyncio.gather(*[harness.batches.file(await harness.draft(key="k")) for _ in range(5)])
    assert sum(result.ticket_no is not None for result in results) == 1
    assert {result.reason for result in results if result.ticket_no is None} == {Reason.KEY_TAKEN}


async def test_a_new_customer_who_comes_twice_at_once_is_one(harness: BatchHarness) -> None:
    customer = {"name": "李四", "phone": "13900139000"}
    drafts = [await harness.draft(customer=customer) for _ in range(5)]
    results = await asyncio.gather(*(harness.batches.file(draft) for draft in drafts))
    assert {result.reason for result in results if result.ticket_no is None} <= {Reason.RACE}
    assert await harness.count("customers") == 2


async def test_a_day_without_numbers_is_told_of(database: Database) -> None:
    writer = FeedbackWriter(database, PromisesCopy(database), zone=SHANGHAI, secret=b"identities")
    harness = BatchHarness(writer, CountedBatches(database), database)
    for file in (harness.batches.file, harness.batches.file_alone):
        assert (await file(await harness.draft())).reason is Reason.DAY_CLOSED
    assert await harness.count("customers") == 0


async def test_a_refused_statement_has_everybody_try_alone(harness: BatchHarness) -> None:
    harness.batches.failure = DBAPIError(None, None, ValueError())
    result = await harness.batches.file(await harness.draft())
    assert (result.ticket_no, result.reason) == (None, Reason.RACE)


async def test_a_lost_database_is_unknown_to_everybody_who_waited(harness: BatchHarness) -> None:
    harness.batches.failure = Unavailable()
    drafts = [await harness.draft() for _ in range(3)]
    answers = await asyncio.gather(*(harness.batches.file(draft) for draft in drafts), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    harness.batches.failure = None
    assert await _numbers(harness, drafts[:1]) != [None]


async def test_a_sender_who_hangs_up_does_not_disturb_the_others(harness: BatchHarness) -> None:
    gone = asyncio.create_task(harness.batches.file(await harness.draft()))
    stays = asyncio.create_task(harness.batches.file(await harness.draft()))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).ticket_no is not None
