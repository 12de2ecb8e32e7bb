"""Intake keeps a copy of the published promises and goes on without their owner (architecture.md, I11)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.contracts.policy import PackId, Policy, Promises
from services.intake.feedback.promises_copy import PromisesCopy
from services.runtime.postgres.database import Database
from tests.services.intake.harness import IntakeHarness


def _generation(number: int, target: str = "PT1H") -> Promises:
    policy = Policy.model_validate(
        {"id": "d0-standard", "version": number, "calendar": "always", "clocks": {"response": {"target": target}}}
    )
    calendar = {"id": "always", "version": 1, "time_zone": "UTC"}
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours = {day: {"00:00": "24:00"} for day in days}
    return Promises.model_validate(
        {"generation": number, "policies": [policy.model_dump()], "calendars": [{**calendar, "hours": hours}]}
    )


@pytest.fixture
async def copy(database: Database) -> AsyncIterator[PromisesCopy]:
    """A process that follows what others publish."""
    copy = PromisesCopy(database)
    following = asyncio.create_task(copy.follow(60))
    yield copy
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_until_something_is_published_the_built_in_promises_stand(copy: PromisesCopy) -> None:
    assert (await copy.current()).promises.generation == 0


async def test_the_built_in_promises_are_those_of_the_installations_pack(database: Database) -> None:
    promised = (await PromisesCopy(database, PackId.D4).current()).promises
    assert [policy.id for policy in promised.policies] == ["d4-issue"]


async def test_a_publication_reaches_every_process(database: Database, copy: PromisesCopy) -> None:
    await copy.current()
    assert await PromisesCopy(database).store(_generation(1))

    async def arrived() -> int:
        return (await copy.current()).promises.generation

    async with asyncio.timeout(30):
        while await arrived() != 1:  # noqa: ASYNC110 - a notification is on its way through PostgreSQL
            await asyncio.sleep(0.01)


async def test_a_process_that_starts_later_takes_over_the_copy(database: Database) -> None:
    await PromisesCopy(database).store(_generation(3))
    assert (await PromisesCopy(database).current()).promises.generation == 3


async def test_an_older_publication_changes_nothing(database: Database) -> None:
    copy = PromisesCopy(database)
    assert await copy.store(_generation(3))
    assert not await copy.store(_generation(2))
    assert (await copy.current()).promises.generation == 3
    assert (await PromisesCopy(database).current()).promises.generation == 3


async def test_a_publication_moves_no_promise_that_was_made(harness: IntakeHarness) -> None:
    before = await harness.register()
    answer = await harness.ask("PUT", "/internal/promises", _generation(1, "PT5S").model_dump(mode="json"))
    assert answer.json() == {"taken": True}
    old = (await harness.ask("GET", f"/internal/registrations/{before['ticket_no']}")).json()
    due = {each["clock"]: each["due_at"] for each in old["promises"]}
    assert due["response"] == before["promised"]["respond_by"]
    assert old["policy"]["clocks"]["response"]["target"] != "PT5S"
    new = (await harness.ask("GET", f"/internal/registrations/{(await harness.register())['ticket_no']}")).json()
    assert new["policy"]["clocks"]["response"]["target"] == "PT5S"
