"""The first try of a notice needs no workflow; what it leaves over, a workflow carries on (I5, I12)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from services.contracts.notice import NoticeKind
from services.notify.notices import first_attempts, submission
from services.notify.notices.channels.base import Undeliverable, Unreached
from services.notify.notices.first_attempts import FirstTries
from services.notify.notices.letter import Letter
from services.notify.notices.submission import LEFT_OVER, Draft
from services.notify.notices.tables import notices
from services.runtime.postgres.database import Database
from tests.services.notify.notice_harness import NoticeDesk, request, to_lin_tao
from tests.services.system import until


class Desk(NoticeDesk):
    """Notices, and processes that try them."""

    @asynccontextmanager
    async def trying(self, *, processes: int = 1, hands: int = 4) -> AsyncIterator[None]:
        """Processes that are there for a while."""
        running = [
            asyncio.create_task(FirstTries(self.database, self.delivery, hands=hands).run()) for _ in range(processes)
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
        """How many a workflow has to carry."""
        async with self.database.read() as connection:
            count: int = (await connection.scalars(select(func.count()).select_from(notices).where(LEFT_OVER))).one()
            return count

    async def until_left_over(self, wanted: int) -> None:
        """Return when so many are left over."""

        async def are() -> bool:
            return await self.left_over() == wanted

        await until(are, 30)

    def subjects(self) -> Sequence[str]:
        """What went, in order, by its key."""
        return [letter.key for letter in self.carrier.letters]


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def test_a_notice_goes_at_once_and_leaves_nothing_to_a_workflow(desk: Desk) -> None:
    async with desk.trying():
        row = await desk.submit(request())
        await desk.until_state(row, "sent")
    assert desk.subjects() == [row["key"]]
    async with desk.database.begin() as connection:
        await connection.execute(text("UPDATE notify.notices SET workflow_from = '2020-01-01'"))
    assert await desk.left_over() == 0


async def test_what_was_there_before_the_process_goes_too(desk: Desk) -> None:
    rows = [await desk.submit(request()) for _ in range(20)]
    async with desk.trying(hands=3):
        for row in rows:
            await desk.until_state(row, "sent")
    assert sorted(desk.subjects()) == sorted(row["key"] for row in rows)


@pytest.mark.parametrize("error", [Unreached("smtp_451"), ValueError("anything")], ids=["unreached", "unforeseen"])
async def test_a_notice_that_does_not_go_is_a_workflow_s_at_once(desk: Desk, error: Exception) -> None:
    desk.carrier.answers = [error]
    async with desk.trying():
        row = await desk.submit(request())
        await desk.until_left_over(1)
        assert (await desk.row(row["key"]))["state"] == "waiting"
        other = await desk.submit(request())
        await desk.until_state(other, "sent")


async def test_a_lasting_refusal_needs_no_workflow(desk: Desk) -> None:
    desk.carrier.answers = [Undeliverable("smtp_550")]
    async with desk.trying():
        await desk.until_state(await desk.submit(request()), "failed")
    assert await desk.left_over() == 0


async def test_intake_that_is_away_leaves_it_to_a_workflow(desk: Desk) -> None:
    desk.world.down = True
    async with desk.trying():
        await desk.submit(request())
        await desk.until_left_over(1)


async def test_a_slow_receiver_is_left_to_a_workflow_and_holds_nobody_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_attempts, "TRY_SECONDS", 0.3)
    send, slow = desk.carrier.send, await desk.submit(request())

    async def hang(letter: Letter) -> None:
        if letter.key == slow["key"]:
            await asyncio.Event().wait()
        await send(letter)

    monkeypatch.setattr(desk.carrier, "send", hang)
    async with desk.trying(hands=2):
        await desk.until_state(await desk.submit(request()), "sent")
        await desk.until_left_over(1)
    assert (await desk.row(slow["key"]))["state"] == "waiting"


async def test_a_process_that_died_in_the_middle_has_its_claim_run_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def die(letter: Letter) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(desk.carrier, "send", die)
    async with desk.trying():
        row = await desk.submit(request())
        await begun.wait()
    assert await desk.left_over() == 0
    left = (await desk.row(row["key"]))["workflow_from"] - row["created_at"]
    assert timedelta(0) < left - first_attempts.CLAIMED_FOR < timedelta(seconds=30)


async def test_processes_share_the_work_and_send_each_notice_once(desk: Desk) -> None:
    async with desk.trying(processes=3):
        rows = [await desk.submit(request()) for _ in range(40)]
        for row in rows:
            await desk.until_state(row, "sent")
    assert sorted(desk.subjects()) == sorted(row["key"] for row in rows)


async def test_alerts_go_before_what_is_urgent_and_that_before_the_rest(desk: Desk) -> None:
    ordinary, urgent, chase = await desk.submit(request()), await desk.submit(request(urgent=True)), to_lin_tao()
    chased = await desk.submit(chase)
    facts = {"clock": "response", "due_at": "2026-11-20T01:00:00Z", "cycle": 1, "kind": "fault", "urgency": "low"}
    told = [
        await desk.submit(to_lin_tao(kind=kind, texts={}, facts=facts))
        for kind in (NoticeKind.LOW_RATING, NoticeKind.WARNING, NoticeKind.OVERDUE, NoticeKind.BREACH)
    ]
    turns = [row["precedence"] for row in (*told, urgent, ordinary, chased)]
    assert turns == [0, 0, 0, 0, 1, 2, 2]


async def test_what_is_urgent_goes_first(desk: Desk) -> None:
    calm = [await desk.submit(request()) for _ in range(3)]
    urgent = await desk.submit(request(urgent=True))
    async with desk.trying(hands=1):
        for row in (*calm, urgent):
            await desk.until_state(row, "sent")
    assert desk.subjects() == [urgent["key"], *(row["key"] for row in calm)]


async def test_what_is_held_waits_for_its_release(desk: Desk) -> None:
    async with desk.trying():
        held = await desk.submit(Draft(request(), held=True))
        await desk.until_state(await desk.submit(request()), "sent")
        assert (await desk.row(held["key"]))["workflow_from"] is None
        async with desk.database.begin() as connection:
            assert await submission.release(connection, "20261120001", NoticeKind.PROGRESS) == 1
        await desk.until_state(held, "sent")
