"""The first try of an invitation: once, by whoever claims it, and never about what has ended."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.contracts.journal import EventType
from services.contracts.notice import NoticeStanding, NoticeState
from services.survey.invitations.first_attempts import CLAIMED_FOR, FirstAttempts
from services.survey.invitations.notices import SurveyNotices
from services.survey.states import LIVING
from services.survey.tables import invitations
from services.survey.times import Times
from tests.flow.survey_harness import FakeNotify, FakeTickets
from tests.services.survey.builders import LINKS, happened
from tests.services.survey.harness import Invited, SurveyServiceHarness

SECOND = timedelta(seconds=1)


class SlowNotify(FakeNotify):
    """Answers when it is let; `asked_for` is set as soon as somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_for = asyncio.Event()
        self.let = asyncio.Event()

    async def send(self, method: str, path: str, *, json: object, **_: object) -> tuple[int, bytes]:  # type: ignore[override]
        """Wait, then answer."""
        self.asked_for.set()
        await self.let.wait()
        return await super().send(method, path, json=json)


def first_attempts(harness: SurveyServiceHarness, notify: FakeNotify) -> FirstAttempts:
    """The first tries of one process."""
    return FirstAttempts(harness.surveys.database, SurveyNotices(notify, LINKS, Times(FakeTickets())), hands=1)


async def invited(harness: SurveyServiceHarness, notify: FakeNotify, state: str = "waiting") -> Invited:
    """A closing whose invitation nobody has tried to send; notify will answer that it is in this state."""
    survey = await harness.invite(sent=False)
    notify.states[f"survey/{survey.id}/invitation"] = state
    return survey


async def has_workflow(harness: SurveyServiceHarness, survey: Invited) -> bool:
    """Whether the starter would start one."""
    async with harness.surveys.database.read() as connection:
        mine = select(invitations.c.id).where(LIVING, invitations.c.id == survey.id)
        return await connection.scalar(mine) is not None


async def test_an_invitation_is_handed_over_by_one_of_two_processes(harness: SurveyServiceHarness) -> None:
    notify = FakeNotify()
    survey = await invited(harness, notify)
    processes = [first_attempts(harness, notify) for _ in range(2)]
    claims = await asyncio.gather(*(each.claim(10) for each in processes))
    assert sorted(id_ for ids in claims for id_ in ids) == [survey.id]
    await processes[0].attempt(survey.id)
    assert len(notify.invitations(survey.id)) == 1
    assert not await has_workflow(harness, survey)


async def test_what_was_claimed_has_a_workflow_when_the_claim_ends_and_not_before(
    harness: SurveyServiceHarness,
) -> None:
    notify = FakeNotify()
    survey = await invited(harness, notify)
    before = datetime.now(UTC)
    await first_attempts(harness, notify).claim(10)
    assert (await survey.row())["workflow_from"] - before >= CLAIMED_FOR - SECOND
    for left, expected in ((CLAIMED_FOR / 2, False), (timedelta(0), True), (-SECOND, True)):
        await harness.set(survey.id, workflow_from=datetime.now(UTC) + left)
        assert await has_workflow(harness, survey) is expected


@pytest.mark.parametrize("state", ["sent", "not_sent:no_address", "failed"])
async def test_an_invitation_that_has_ended_already_is_left_to_a_workflow(
    harness: SurveyServiceHarness, state: str
) -> None:
    notify = FakeNotify()
    survey = await invited(harness, notify, state)
    for id_ in await (first := first_attempts(harness, notify)).claim(10):
        await first.attempt(id_)
    assert await has_workflow(harness, survey)


async def test_an_invitation_that_notify_does_not_take_is_left_to_a_workflow_at_once(
    harness: SurveyServiceHarness,
) -> None:
    notify = FakeNotify()
    notify.down = True
    survey = await invited(harness, notify)
    for id_ in await (first := first_attempts(harness, notify)).claim(10):
        await first.attempt(id_)
    assert ((await survey.row())["state"], await has_workflow(harness, survey)) == ("scheduled", True)


async def test_nobody_is_invited_whose_ticket_was_reopened_between_the_claim_and_the_try(
    harness: SurveyServiceHarness,
) -> None:
    notify = FakeNotify()
    survey = await invited(harness, notify)
    first = first_attempts(harness, notify)
    await first.claim(10)
    await harness.apply(happened(EventType.REOPENED, ticket_no=survey.ticket_no, cycle=2))
    await first.attempt(survey.id)
    assert notify.invitations(survey.id) == []


async def test_a_reopening_waits_for_an_invitation_that_is_being_handed_over_so_that_it_takes_it_back(
    harness: SurveyServiceHarness,
) -> None:
    notify = SlowNotify()
    survey = await invited(harness, notify)
    first = first_attempts(harness, notify)
    await first.claim(10)
    async with asyncio.TaskGroup() as group:
        group.create_task(first.attempt(survey.id))
        await notify.asked_for.wait()
        reopened = group.create_task(harness.apply(happened(EventType.REOPENED, ticket_no=survey.ticket_no, cycle=2)))
        while not await _waits_for_a_lock(harness):
            assert not reopened.done()
        notify.let.set()
    assert (len(notify.invitations(survey.id)), (await survey.row())["state"]) == (1, "withdrawn")


async def test_a_sending_that_is_told_of_is_entered_once(harness: SurveyServiceHarness) -> None:
    notify = FakeNotify()
    survey = await invited(harness, notify)
    await first_attempts(harness, notify).claim(10)
    at = datetime.now(UTC)
    for later in (timedelta(0), SECOND):
        standing = NoticeStanding(id="n", state=NoticeState.SENT, sent_at=at + later)
        await harness.surveys.standings.delivered(survey.id, standing)
    row = await survey.row()
    assert (row["state"], row["sent_at"], row["revision"]) == ("sent", at, 1)
    assert (row["remind_at"], row["expires_at"]) == (at + timedelta(days=2), at + timedelta(days=7))


async def test_a_sending_that_is_told_of_leaves_an_answer_what_it_is(harness: SurveyServiceHarness) -> None:
    survey = await harness.invite(sent=False)
    await survey.answer()
    standing = NoticeStanding(id="n", state=NoticeState.SENT, sent_at=datetime.now(UTC))
    await harness.surveys.standings.delivered(survey.id, standing)
    assert (await survey.row())["state"] == "answered"


async def _waits_for_a_lock(harness: SurveyServiceHarness) -> bool:
    async with harness.surveys.database.read() as connection:
        waiting = await connection.exec_driver_sql(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return bool(waiting.scalar_one())
