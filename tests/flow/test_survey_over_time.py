"""A survey's life: asked once, reminded, expired; or answered; or withdrawn with the ticket's reopening (25, 20)."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from services.contracts.durations import parse_duration
from services.contracts.names import QUEUE_SURVEY, SIGNAL_SURVEY_CHANGED, SIGNAL_SURVEY_TOLD, invitation_key
from services.contracts.notice import NoticeStanding, NoticeState, NotSentReason
from services.contracts.policy import Promises
from services.contracts.survey import Overall
from services.contracts.vocabulary import CloseReason
from services.promises.calendars import Calendar
from services.promises.policies import built_in
from services.runtime.postgres.database import Database
from services.runtime.temporal.client import worker
from services.survey.answers.questionnaires import Questionnaires
from services.survey.answers.refusals import SurveyClosed
from services.survey.invitations.activities import SurveyActivities
from services.survey.invitations.notices import SurveyNotices
from services.survey.invitations.workflow import SurveyWorkflow
from services.survey.states import Standings
from services.survey.times import Times
from tests.flow.survey_harness import FakeNotify, FakeTickets, Survey, SurveyHarness
from tests.replay.recordings import record, replay
from tests.services.survey.builders import BAD, GOOD, LINKS, closing

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
SENT = NoticeStanding(id="n", state=NoticeState.SENT, sent_at=datetime.now(UTC))


@pytest.fixture(scope="module")
async def harness(env: WorkflowEnvironment, shared_database: Database) -> AsyncIterator[SurveyHarness]:
    """A harness whose worker runs for the whole module."""
    await Questionnaires(shared_database).seed()
    notify, tickets = FakeNotify(), FakeTickets()
    activities = SurveyActivities(
        Standings(shared_database),
        SurveyNotices(notify, LINKS, Times(tickets)),
        notify=notify,
        tickets=tickets,
        call_within=timedelta(hours=24),
    )
    survey_worker = worker(
        env.client,
        QUEUE_SURVEY,
        workflows=[SurveyWorkflow],
        activities=[activities.invite, activities.remind, activities.expire, activities.conclude],
    )
    async with survey_worker:
        yield SurveyHarness(env, shared_database, notify, tickets)


def _standing(state: str) -> NoticeStanding:
    """The telling of a notice that did not go, by the state that `FakeNotify` answers."""
    name, _, reason = state.partition(":")
    return NoticeStanding(id="n", state=NoticeState(name), not_sent_reason=NotSentReason(reason) if reason else None)


async def on_its_way(harness: SurveyHarness) -> Survey:
    """A survey whose invitation does not go at once."""
    survey = await harness.close(start=False)
    harness.notify.states[invitation_key(survey.id)] = "waiting"
    await harness.starter.reconcile()
    await survey.settled()
    return survey


async def first_tried(harness: SurveyHarness, **changes: Any) -> Survey:
    """A survey whose invitation is on its way, and that has no workflow yet."""
    survey = await harness.close(start=False, **changes)
    await harness.set(survey, workflow_from=None)
    harness.notify.states[invitation_key(survey.id)] = "waiting"
    await harness.try_first()
    await harness.starter.reconcile()
    return survey


async def sent(harness: SurveyHarness, **changes: Any) -> Survey:
    """A survey that has reached its customer."""
    survey = await harness.close(**changes)
    row = await survey.row()
    assert row["state"] == "sent"
    return survey


async def test_a_confirmed_closing_invites_once_and_the_journal_says_so(harness: SurveyHarness) -> None:
    event = closing()
    await harness.apply(event)
    await harness.apply(event)
    survey = await harness.of(event.ticket_no)
    await harness.try_first()
    await harness.starter.reconcile()
    await survey.settled()
    assert await survey.state() == "sent"
    assert harness.notify.kinds(survey.id) == ["survey"]
    assert survey.remarks() == [("survey.sent", {"survey_id": survey.id})]


async def test_an_unanswered_survey_is_reminded_of_after_two_days_and_not_before(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    remind_at = (await survey.row())["remind_at"]
    assert remind_at == (await survey.row())["sent_at"] + 2 * DAY
    await survey.move_to(remind_at - SECOND)
    assert harness.notify.kinds(survey.id) == ["survey"]
    await survey.move_to(remind_at + SECOND)
    assert harness.notify.kinds(survey.id) == ["survey", "survey_reminder"]
    assert (await survey.row())["reminded_at"] >= remind_at
    await survey.move_to(remind_at + 2 * DAY)
    assert harness.notify.kinds(survey.id) == ["survey", "survey_reminder"]


async def test_a_signal_that_nobody_of_ours_has_sent_costs_no_reminder(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    remind_at = (await survey.row())["remind_at"]
    await survey.handle.signal(SIGNAL_SURVEY_CHANGED)
    await survey.handle.result()
    async with asyncio.timeout(30):
        while not await harness.starter.compare():  # noqa: ASYNC110 - the engine's list is a moment behind
            await asyncio.sleep(0.02)
    await harness.starter.reconcile()
    await survey.settled()
    await survey.move_to(remind_at + SECOND)
    assert harness.notify.kinds(survey.id) == ["survey", "survey_reminder"]


async def test_an_unanswered_survey_expires_after_seven_days_and_not_before(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    expires_at = (await survey.row())["expires_at"]
    assert expires_at == (await survey.row())["sent_at"] + 7 * DAY
    await survey.move_to(expires_at - SECOND)
    assert await survey.state() == "sent"
    await survey.move_to(expires_at + SECOND)
    await survey.end()
    assert await survey.state() == "expired"
    assert survey.remarks()[-1] == ("survey.expired", {"survey_id": survey.id})
    with pytest.raises(SurveyClosed) as refusal:
        await survey.answer()
    assert refusal.value.code == "survey_expired"


async def test_an_answer_ends_the_survey_before_its_reminder(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer()
    await survey.end()
    assert harness.notify.kinds(survey.id) == ["survey"]
    assert not await survey.is_running()
    type_, data = survey.remarks()[-1]
    assert type_ == "survey.answered"
    assert (data["overall"], data["recommend"], data["low"]) == ("satisfied", 9, False)
    assert {"prefix": f"survey/{survey.id}/"} in harness.notify.at("/internal/notices/cancel")


async def test_an_answer_after_the_reminder_counts(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.move_to((await survey.row())["remind_at"] + SECOND)
    await survey.answer()
    await survey.end()
    assert await survey.state() == "answered"


async def test_a_reopening_before_the_answer_withdraws_the_survey(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await harness.reopen(survey)
    await survey.end()
    row = await survey.row()
    assert (row["state"], row["reopened_at"] is not None) == ("withdrawn", True)
    with pytest.raises(SurveyClosed) as refusal:
        await survey.answer()
    assert refusal.value.code == "survey_withdrawn"


async def test_a_reopening_after_the_answer_keeps_it(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer()
    await survey.end()
    await harness.reopen(survey)
    row = await survey.row()
    assert (row["state"], row["reopened_at"] is not None, row["recommend"]) == ("answered", True, 9)


async def test_the_next_cycle_of_a_ticket_asks_again_without_a_cooldown(harness: SurveyHarness) -> None:
    first = closing(customer_id="twice")
    await harness.apply(first)
    survey = await harness.of(first.ticket_no)
    await harness.reopen(survey)
    again = await harness.close(ticket_no=first.ticket_no, cycle=2, customer_id="twice")
    assert await survey.state() == "withdrawn"
    assert await again.state() == "sent"


async def test_an_answer_about_one_cycle_starts_no_cooldown_for_the_next(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer()
    await survey.end()
    await harness.reopen(survey)
    row = await survey.row()
    again = await harness.close(ticket_no=row["ticket_no"], cycle=2, customer_id=row["customer_id"], start=False)
    assert (await survey.state(), await again.state()) == ("answered", "scheduled")


async def test_a_survey_withdrawn_before_it_went_is_never_sent(harness: SurveyHarness) -> None:
    survey = await harness.close(start=False)
    await harness.reopen(survey)
    await survey.end()
    assert harness.notify.kinds(survey.id) == []
    assert survey.remarks() == []


@pytest.mark.parametrize("reason", [each for each in CloseReason if each is not CloseReason.CONFIRMED])
async def test_a_ticket_that_nobody_confirmed_is_not_asked_about_and_says_why(
    harness: SurveyHarness, reason: CloseReason
) -> None:
    survey = await harness.close(reason=reason, start=False)
    row = await survey.row()
    assert (row["state"], row["not_sent_reason"], row["done"]) == ("not_sent", reason, True)


@pytest.mark.parametrize(
    ("since", "state"), [(DAY - SECOND, "not_sent"), (DAY, "scheduled"), (DAY + SECOND, "scheduled")]
)
async def test_a_customer_is_asked_about_another_ticket_only_after_the_cooldown(
    harness: SurveyHarness, since: timedelta, state: str
) -> None:
    now, customer = datetime.now(UTC), f"regular-{since.total_seconds()}"
    await harness.close(customer_id=customer, at=now - since, start=False)
    second = await harness.close(customer_id=customer, at=now, start=False)
    row = await second.row()
    assert (row["state"], row["not_sent_reason"]) == (state, "cooldown" if state == "not_sent" else None)


async def test_who_was_not_asked_starts_no_cooldown(harness: SurveyHarness) -> None:
    await harness.close(customer_id="withdrew", reason=CloseReason.WITHDRAWN, start=False)
    second = await harness.close(customer_id="withdrew", start=False)
    assert await second.state() == "scheduled"


async def test_a_closing_read_after_its_survey_would_have_expired_is_not_asked_about(harness: SurveyHarness) -> None:
    old = await harness.close(at=datetime.now(UTC) - 7 * DAY - SECOND, start=False)
    recent = await harness.close(at=datetime.now(UTC) - 7 * DAY + 60 * SECOND, start=False)
    assert ((await old.row())["not_sent_reason"], await recent.state()) == ("stale", "scheduled")


@pytest.mark.parametrize("reason", ["no_address", "stale", "unwritable"])
async def test_an_invitation_that_could_not_go_says_why_and_nobody_is_reminded(
    harness: SurveyHarness, reason: str
) -> None:
    survey = await harness.close(start=False)
    harness.notify.states[f"survey/{survey.id}/invitation"] = f"not_sent:{reason}"
    await harness.starter.reconcile()
    await survey.end()
    row = await survey.row()
    assert (row["state"], row["not_sent_reason"], row["sent_at"]) == ("not_sent", reason, None)
    assert survey.remarks() == []


async def test_an_invitation_that_failed_at_its_channel_is_not_sent(harness: SurveyHarness) -> None:
    survey = await harness.close(start=False)
    harness.notify.states[f"survey/{survey.id}/invitation"] = "failed"
    await harness.starter.reconcile()
    await survey.end()
    assert (await survey.row())["not_sent_reason"] == "failed"


async def test_a_survey_is_told_that_its_invitation_went_and_does_not_ask_until_then(harness: SurveyHarness) -> None:
    survey = await on_its_way(harness)
    asked = len(harness.notify.invitations(survey.id))
    await survey.move_to(await survey.now() + 59 * SECOND)
    assert (await survey.state(), len(harness.notify.invitations(survey.id))) == ("scheduled", asked)
    await harness.deliver(survey, "sent")
    assert (await survey.state(), len(harness.notify.invitations(survey.id))) == ("sent", asked + 1)
    await survey.move_to((await survey.row())["remind_at"] + SECOND)
    assert harness.notify.kinds(survey.id) == ["survey", "survey_reminder"]


async def test_a_telling_that_was_lost_costs_a_minute(harness: SurveyHarness) -> None:
    survey = await on_its_way(harness)
    harness.notify.states[invitation_key(survey.id)] = "sent"
    await survey.move_to(await survey.now() + 61 * SECOND)
    assert await survey.state() == "sent"


async def test_a_telling_that_comes_twice_or_late_changes_nothing(harness: SurveyHarness) -> None:
    survey = await on_its_way(harness)
    await harness.deliver(survey, "sent")
    remind_at = (await survey.row())["remind_at"]
    await harness.deliver(survey, "sent")
    await survey.handle.signal(SIGNAL_SURVEY_TOLD)
    await survey.move_to(remind_at - SECOND)
    assert (await survey.state(), harness.notify.kinds(survey.id)) == ("sent", ["survey"])


async def test_an_invitation_that_goes_at_its_first_try_has_a_workflow_from_then_on(
    harness: SurveyHarness,
) -> None:
    survey = await first_tried(harness)
    with pytest.raises(RPCError):
        await survey.handle.describe()
    await harness.deliver(survey, "sent", SENT)
    assert (await survey.state(), len(harness.notify.invitations(survey.id))) == ("sent", 1)
    assert survey.remarks() == [("survey.sent", {"survey_id": survey.id})]
    await survey.move_to((await survey.row())["remind_at"] + SECOND)
    await survey.move_to((await survey.row())["expires_at"] + SECOND)
    await survey.end()
    assert harness.notify.kinds(survey.id) == ["survey", "survey_reminder"]


@pytest.mark.parametrize("died", ["before_it_was_handed_over", "before_its_end_was_told"])
async def test_a_workflow_takes_over_an_invitation_whose_first_try_led_to_nothing(
    harness: SurveyHarness, died: str
) -> None:
    survey = await harness.close(start=False, tried=died == "before_its_end_was_told")
    await harness.set(survey, workflow_from=datetime.now(UTC))
    await harness.starter.reconcile()
    await survey.settled()
    assert (await survey.state(), harness.notify.kinds(survey.id)) == ("sent", ["survey"])


async def test_an_invitation_of_working_time_is_told_of_and_its_workflow_asks_the_calendar(
    harness: SurveyHarness,
) -> None:
    pack = built_in()
    harness.tickets.promises = Promises(generation=1, policies=pack.policies, calendars=pack.calendars)
    survey = await first_tried(harness, survey_reminder_after="P1WD", policy="d0-standard")
    await harness.deliver(survey, "sent", SENT)
    row = await survey.row()
    calendar = Calendar.compile(next(each for each in pack.calendars if each.id == "cn"))
    assert (row["state"], row["remind_at"]) == ("sent", calendar.add(row["sent_at"], parse_duration("P1WD")))


@pytest.mark.parametrize(("state", "reason"), [("not_sent:no_address", "no_address"), ("failed", "failed")])
async def test_an_invitation_that_cannot_go_at_its_first_try_says_why_and_needs_no_workflow(
    harness: SurveyHarness, state: str, reason: str
) -> None:
    survey = await first_tried(harness)
    harness.notify.states[invitation_key(survey.id)] = state
    await harness.standings.delivered(survey.id, _standing(state))
    await harness.starter.reconcile()
    row = await survey.row()
    assert (row["state"], row["not_sent_reason"], row["done"]) == ("not_sent", reason, True)
    with pytest.raises(RPCError):
        await survey.handle.describe()


async def test_a_workflow_that_looks_after_an_invitation_ends_when_that_cannot_go(harness: SurveyHarness) -> None:
    survey = await on_its_way(harness)
    await harness.deliver(survey, "not_sent:no_address", _standing("not_sent:no_address"))
    await survey.end()
    row = await survey.row()
    assert (row["state"], row["not_sent_reason"], row["done"]) == ("not_sent", "no_address", True)


async def test_a_workflow_that_starts_while_its_invitation_turns_out_undeliverable_ends(
    harness: SurveyHarness,
) -> None:
    survey = await on_its_way(harness)
    await harness.set(survey, engine_id=None)  # as before the starter has entered what it started
    await harness.standings.delivered(survey.id, _standing("not_sent:no_address"))
    assert (await survey.row())["done"]
    await survey.move_to(await survey.now() + 61 * SECOND)
    await survey.end()
    assert (await survey.state(), survey.remarks()) == ("not_sent", [])


async def test_a_survey_withdrawn_while_its_invitation_is_on_its_way_ends(harness: SurveyHarness) -> None:
    survey = await on_its_way(harness)
    await harness.reopen(survey)
    await survey.end()
    assert (await survey.state(), survey.remarks()) == ("withdrawn", [])


async def test_a_low_score_calls_for_a_supervisor_within_24_hours(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer(BAD)
    await survey.end()
    alerts = [each for each in harness.notify.at("/internal/alerts") if each["ticket_no"] == survey.ticket_no]
    assert [(each["threshold"], each["cycle"], each["clock"]) for each in alerts] == [("low_rating", 1, None)]
    raised_at, due_at = (datetime.fromisoformat(alerts[0][name]) for name in ("raised_at", "due_at"))
    assert due_at - raised_at == DAY


async def test_a_middling_score_calls_for_nobody(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer(GOOD.model_copy(update={"scores": dict.fromkeys(GOOD.scores, 3), "overall": Overall.NEUTRAL}))
    await survey.end()
    assert not [each for each in harness.notify.at("/internal/alerts") if each["ticket_no"] == survey.ticket_no]


async def test_an_answer_changed_for_the_worse_calls_for_a_supervisor_too(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer(GOOD)
    await survey.end()
    await survey.answer(BAD)
    await survey.end()
    assert len(alerts_of(survey)) == 1
    assert not corrections_of(survey)


async def test_a_changed_answer_is_told_again_and_says_that_it_is_a_change(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    for answer in (GOOD, BAD, GOOD):
        await survey.answer(answer)
        await survey.end()
    told = [(type_, data["low"], data["changed"]) for type_, data in survey.remarks()[1:]]
    assert told == [
        ("survey.answered", False, False),
        ("survey.answered", True, True),
        ("survey.answered", False, True),
    ]


async def test_the_same_answer_again_is_told_once(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    for _ in range(2):
        await survey.answer(GOOD)
        await survey.end()
    assert [type_ for type_, _ in survey.remarks()] == ["survey.sent", "survey.answered"]


async def test_a_low_answer_corrected_upwards_calls_the_supervisor_off(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer(BAD)
    await survey.end()
    assert not corrections_of(survey)
    await survey.answer(GOOD)
    await survey.end()
    changed_at = (await survey.row())["changed_at"]
    assert [(each["cycle"], datetime.fromisoformat(each["at"])) for each in corrections_of(survey)] == [(1, changed_at)]


def alerts_of(survey: Survey) -> list[Any]:
    """The alerts that were asked for."""
    return [it for it in survey.harness.notify.at("/internal/alerts") if it["ticket_no"] == survey.ticket_no]


def corrections_of(survey: Survey) -> list[Any]:
    """Messages to notify of ratings corrected upwards."""
    told = survey.harness.notify.at("/internal/alerts/ratings-corrected")
    return [it for it in told if it["ticket_no"] == survey.ticket_no]


async def test_notify_down_delays_the_invitation_and_loses_nothing(harness: SurveyHarness) -> None:
    harness.notify.down = True
    survey = await harness.close(start=False)
    await harness.starter.reconcile()
    assert await survey.state() == "scheduled"
    harness.notify.down = False
    await survey.settled()
    assert await survey.state() == "sent"


async def test_the_journal_down_delays_what_it_is_told_and_loses_nothing(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    harness.tickets.down = True
    await survey.answer(BAD)
    assert await survey.state() == "answered"
    harness.tickets.down = False
    await survey.end()
    assert survey.remarks()[-1][0] == "survey.answered"


async def test_a_reminder_at_or_after_the_end_is_not_sent(harness: SurveyHarness) -> None:
    survey = await harness.close(survey_expires_after="P3D", survey_reminder_after="P3D")
    row = await survey.row()
    assert (row["remind_at"], row["expires_at"]) == (None, row["sent_at"] + 3 * DAY)


async def test_working_time_is_counted_by_the_calendar_of_the_policy(harness: SurveyHarness) -> None:
    pack = built_in()
    harness.tickets.promises = Promises(generation=1, policies=pack.policies, calendars=pack.calendars)
    survey = await harness.close(survey_reminder_after="P1WD", survey_expires_after="P3WD", policy="d0-standard")
    row = await survey.row()
    calendar = Calendar.compile(next(each for each in pack.calendars if each.id == "cn"))
    assert row["remind_at"] == calendar.add(row["sent_at"], parse_duration("P1WD"))
    assert row["expires_at"] == calendar.add(row["sent_at"], parse_duration("P3WD"))


async def test_a_deleted_engine_promises_nothing_new(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    before = await survey.row()
    await survey.handle.terminate("the store was deleted")
    async with harness.database.begin() as connection:
        await connection.exec_driver_sql("UPDATE survey.invitations SET engine_id = NULL WHERE NOT done")
    await harness.starter.reconcile()
    await survey.settled()
    after = await survey.row()
    assert [after[name] for name in ("sent_at", "remind_at", "expires_at")] == [
        before[name] for name in ("sent_at", "remind_at", "expires_at")
    ]
    await survey.move_to(after["remind_at"] + SECOND)
    assert harness.notify.kinds(survey.id) == ["survey", "survey_reminder"]
    await survey.move_to(after["expires_at"] + SECOND)
    await survey.end()
    assert await survey.state() == "expired"


async def test_a_history_holds_ids_and_instants_and_no_link(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer(GOOD.model_copy(update={"suggestion": "请早点打电话 13800138000"}))
    await survey.end()
    history = await survey.history()
    assert survey.id in history
    assert not [word for word in ("13800138000", "请早点", "/s/", "han-meimei") if word in history]


async def test_a_survey_costs_few_events(harness: SurveyHarness) -> None:
    survey = await sent(harness)
    await survey.answer()
    await survey.end()
    assert len((await survey.handle.fetch_history()).events) <= 15


async def survey_answered(harness: SurveyHarness) -> Survey:
    """Asked, reminded, answered."""
    survey = await sent(harness)
    await survey.move_to((await survey.row())["remind_at"] + SECOND)
    await survey.answer()
    return survey


async def survey_expired(harness: SurveyHarness) -> Survey:
    """Asked, reminded, never answered."""
    survey = await sent(harness)
    for name in ("remind_at", "expires_at"):
        await survey.move_to((await survey.row())[name] + SECOND)
    return survey


async def survey_withdrawn(harness: SurveyHarness) -> Survey:
    """The ticket is reopened."""
    survey = await sent(harness)
    await harness.reopen(survey)
    return survey


async def survey_begun_when_sent(harness: SurveyHarness) -> Survey:
    """The invitation went at its first try, without a workflow; answered."""
    survey = await first_tried(harness)
    await harness.deliver(survey, "sent", SENT)
    await survey.answer()
    return survey


async def survey_not_delivered(harness: SurveyHarness) -> Survey:
    """The notice does not go at once, and then cannot go at all."""
    survey = await on_its_way(harness)
    await harness.deliver(survey, "not_sent:no_address")
    return survey


PATHS: tuple[Callable[[SurveyHarness], Awaitable[Survey]], ...] = (
    survey_answered,
    survey_expired,
    survey_withdrawn,
    survey_begun_when_sent,
    survey_not_delivered,
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_what_the_engine_stored_of_a_survey_replays(
    harness: SurveyHarness, path: Callable[[SurveyHarness], Awaitable[Survey]]
) -> None:
    survey = await path(harness)
    await survey.end()
    history = await survey.handle.fetch_history()
    await replay(history)
    if os.environ.get("BIHUAN_RECORD"):
        record(path.__name__, history)
