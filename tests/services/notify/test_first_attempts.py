"""The first try of a notice needs no workflow; what it leaves over, a workflow carries on (I5, I12)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from services.contracts.notice import NoticeKind
from services.notify.notices import first_attempts
from services.notify.notices.channels.base import DeliveryDeferred, Undeliverable
from services.notify.notices.first_attempts import FirstAttempts
from services.notify.notices.letter import Letter
from services.notify.notices.submission import LEFT_OVER, NoticeDraft
from services.notify.notices.tables import notices
from services.runtime.postgres.database import Database
from tests.services.notify.notice_harness import NoticeHarness, request, to_lin_tao
from tests.services.system import until


class FirstAttemptsHarness(NoticeHarness):
    """Notices, and processes that try them."""

    @asynccontextmanager
    async def trying(self, *, processes: int = 1, hands: int = 4) -> AsyncIterator[None]:
        """Processes that are there for a while."""
        running = [
            asyncio.create_task(FirstAttempts(self.database, self.delivery, hands=hands).run())
            for _ in range(processes)
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def until_state(self, row: dict[str, Any], state: str) -> None:
        """Return when the notice stands so."""

        async def stands() -> bool:
            return bool((await self.row(row["key"]))["state"] == state)

        await until(stands, 30)

    async def left_over(self) -> int:
        """Number of notices that a workflow has to carry."""
        async with self.database.read() as connection:
            count: int = (await connection.scalars(select(func.count()).select_from(notices).where(LEFT_OVER))).one()
            return count

    async def until_left_over(self, wanted: int) -> None:
        """Return when so many are left over."""

        async def are() -> bool:
            return await self.left_over() == wanted

        await until(are, 30)

    def subjects(self) -> Sequence[str]:
        """Letters that went, in order, by their keys."""
        return [letter.key for letter in self.carrier.letters]


@pytest.fixture
def harness(database: Database) -> FirstAttemptsHarness:
    return FirstAttemptsHarness(database)


async def test_a_notice_goes_at_once_and_leaves_nothing_to_a_workflow(harness: FirstAttemptsHarness) -> None:
    async with harness.trying():
        row = await harness.submit(request())
        await harness.until_state(row, "sent")
    assert harness.subjects() == [row["key"]]
    async with harness.database.begin() as connection:
        await connection.execute(text("UPDATE notify.notices SET workflow_from = '2020-01-01'"))
    assert await harness.left_over() == 0


async def test_what_was_there_before_the_process_goes_too(harness: FirstAttemptsHarness) -> None:
    rows = [await harness.submit(request()) for _ in range(20)]
    async with harness.trying(hands=3):
        for row in rows:
            await harness.until_state(row, "sent")
    assert sorted(harness.subjects()) == sorted(row["key"] for row in rows)


@pytest.mark.parametrize(
    "error", [DeliveryDeferred("smtp_451"), ValueError("anything")], ids=["unreached", "unforeseen"]
)
async def test_a_notice_that_does_not_go_is_a_workflow_s_at_once(
    harness: FirstAttemptsHarness, error: Exception
) -> None:
    harness.carrier.answers = [error]
    async with harness.trying():
        row = await harness.submit(request())
        await harness.until_left_over(1)
        assert (await harness.row(row["key"]))["state"] == "waiting"
        other = await harness.submit(request())
        await harness.until_state(other, "sent")


async def test_a_lasting_refusal_needs_no_workflow(harness: FirstAttemptsHarness) -> None:
    harness.carrier.answers = [Undeliverable("smtp_550")]
    async with harness.trying():
        await harness.until_state(await harness.submit(request()), "failed")
    assert await harness.left_over() == 0


async def test_intake_that_is_away_leaves_it_to_a_workflow(harness: FirstAttemptsHarness) -> None:
    harness.recipients.down = True
    async with harness.trying():
        await harness.submit(request())
        await harness.until_left_over(1)


async def test_a_slow_receiver_is_left_to_a_workflow_and_holds_nobody_up(
    harness: FirstAttemptsHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_attempts, "TRY_SECONDS", 0.3)
    send, slow = harness.carrier.send, await harness.submit(request())

    async def hang(letter: Letter) -> None:
        if letter.key == slow["key"]:
            await asyncio.Event().wait()
        await send(letter)

    monkeypatch.setattr(harness.carrier, "send", hang)
    async with harness.trying(hands=2):
        await harness.until_state(await harness.submit(request()), "sent")
        await harness.until_left_over(1)
    assert (await harness.row(slow["key"]))["state"] == "waiting"


async def test_a_process_that_died_in_the_middle_has_its_claim_run_out(
    harness: FirstAttemptsHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def die(letter: Letter) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(harness.carrier, "send", die)
    async with harness.trying():
        row = await harness.submit(request())
        await begun.wait()
    assert await harness.left_over() == 0
    left = (await harness.row(row["key"]))["workflow_from"] - row["created_at"]
    assert timedelta(0) < left - first_attempts.CLAIMED_FOR < timedelta(seconds=30)


async def test_processes_share_the_work_and_send_each_notice_once(harness: FirstAttemptsHarness) -> None:
    async with harness.trying(processes=3):
        rows = [await harness.submit(request()) for _ in range(40)]
        for row in rows:
            await harness.until_state(row, "sent")
    assert sorted(harness.subjects()) == sorted(row["key"] for row in rows)


async def test_alerts_go_before_what_is_urgent_and_that_before_the_rest(harness: FirstAttemptsHarness) -> None:
    ordinary, urgent, chase = await harness.submit(request()), await harness.submit(request(urgent=True)), to_lin_tao()
    chased = await harness.submit(chase)
    facts = {"clock": "response", "due_at": "2026-11-20T01:00:00Z", "cycle": 1, "kind": "fault", "urgency": "low"}
    told = [
        await harness.submit(to_lin_tao(kind=kind, texts={}, facts=facts))
        for kind in (NoticeKind.LOW_RATING, NoticeKind.WARNING, NoticeKind.OVERDUE, NoticeKind.BREACH)
    ]
    turns = [row["precedence"] for row in (*told, urgent, ordinary, chased)]
    assert turns == [0, 0, 0, 0, 1, 2, 2]


async def test_what_is_urgent_goes_first(harness: FirstAttemptsHarness) -> None:
    calm = [await harness.submit(request()) for _ in range(3)]
    urgent = await harness.submit(request(urgent=True))
    async with harness.trying(hands=1):
        for row in (*calm, urgent):
            await harness.until_state(row, "sent")
    assert harness.subjects() == [urgent["key"], *(row["key"] for row in calm)]


async def test_what_is_held_waits_for_its_release(harness: FirstAttemptsHarness) -> None:
    async with harness.trying():
        held = await harness.submit(NoticeDraft(request(), held=True))
        await harness.until_state(await harness.submit(request()), "sent")
        assert (await harness.row(held["key"]))["workflow_from"] is None
        assert await harness.release("20261120001", NoticeKind.PROGRESS)
        await harness.until_state(held, "sent")
