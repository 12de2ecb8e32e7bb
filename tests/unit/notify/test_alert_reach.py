"""Steps of a ladder in time: outside a recipient's hours it waits, and never sleeps (semantics.md 23)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.alert import Rung, Threshold
from services.contracts.directory import RecipientsQuestion, WorkingHours
from services.contracts.policy import StoredCalendar
from services.contracts.vocabulary import ClockName, Kind, Phase, Urgency
from services.notify.hours.availability import EVERYBODY, HORIZON, Availability
from services.notify.hours.calendars import PublishedCalendars
from services.notify.hours.quiet_hours import QuietSpan
from services.notify.ladders.choice import DueStep, StepChoice, choose, tell_first_by
from services.notify.ladders.ladders import DEFAULT, LadderPlace, read_ladders
from services.notify.ticket_copies import KnownTicket

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PAUSE = 15 * MINUTE
DAY_SHIFT = {day: {"09:00": "12:00", "13:30": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri")}
NIGHT = QuietSpan(from_="21:00", to="08:00", time_zone="Asia/Shanghai")
LADDER = read_ladders()[DEFAULT].of(Threshold.BREACH, ClockName.PROGRESS)
OFFICE = PublishedCalendars(
    1, [StoredCalendar(id="cn", version=1, time_zone="Asia/Shanghai", country="CN", hours=DAY_SHIFT)]
)
TICKET = KnownTicket(
    ticket_no="20261120001", phase=Phase.ASSIGNED, cycle=1, kind=Kind.FAULT, urgency=Urgency.NORMAL, language="zh-CN",
    department="after-sales", owner="lin-tao", co_owners=(), complaint_about=None, customer_id="han-meimei",
    product_model=None, closed_at=None,
)  # fmt: skip


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def by_hours(staff: str, hours: Mapping[str, Mapping[str, str]] = DAY_SHIFT, *, on_shift: bool = False) -> WorkingHours:
    return WorkingHours(staff=staff, on_shift=on_shift, hours=hours, time_zone="Asia/Shanghai")


def always(staff: str) -> WorkingHours:
    return WorkingHours(staff=staff, on_shift=False)


@pytest.mark.parametrize(
    ("at", "reached_at"),
    [
        ("2026-11-20T11:59:59", "2026-11-20T11:59:59"),
        ("2026-11-20T12:00:00", "2026-11-20T13:30:00"),
        ("2026-11-20T13:29:59", "2026-11-20T13:30:00"),
        ("2026-11-20T13:30:00", "2026-11-20T13:30:00"),
        ("2026-11-20T18:00:00", "2026-11-23T09:00:00"),
    ],
)
def test_a_person_is_reached_by_their_own_hours(at: str, reached_at: str) -> None:
    assert Availability([by_hours("lin-tao")]).reached_at("lin-tao", shanghai(at)) == shanghai(reached_at)


def test_the_calendar_of_the_department_knows_holidays_and_make_up_days() -> None:
    hours = Availability([WorkingHours(staff="lin-tao", on_shift=False, calendar="cn")], OFFICE)
    assert hours.reached_at("lin-tao", shanghai("2026-09-30T18:00:00")) == shanghai("2026-10-08T09:00:00")
    assert hours.reached_at("lin-tao", shanghai("2026-10-10T08:00:00")) == shanghai("2026-10-10T09:00:00")


def test_own_hours_go_before_the_calendar_and_both_before_quiet_hours() -> None:
    people = [
        WorkingHours(staff="night", on_shift=False, hours={"fri": {"22:00": "24:00"}}, time_zone="Asia/Shanghai",
                     calendar="cn"),
        WorkingHours(staff="office", on_shift=False, calendar="cn"),
        always("anybody"),
    ]  # fmt: skip
    hours, at = Availability(people, OFFICE, NIGHT), shanghai("2026-11-20T22:30:00")
    assert hours.reached_at("night", at) == at
    assert hours.reached_at("office", at) == shanghai("2026-11-23T09:00:00")
    assert hours.reached_at("anybody", at) == shanghai("2026-11-21T08:00:00")


def test_a_shift_overrides_every_hour() -> None:
    at = shanghai("2026-11-21T03:00:00")
    assert Availability([by_hours("chen-chen", on_shift=True)], OFFICE, NIGHT).reached_at("chen-chen", at) == at


def test_whoever_has_no_hours_is_reached_always() -> None:
    at = shanghai("2026-11-21T03:00:00")
    missing = WorkingHours(staff="li-lei", on_shift=False, calendar="not-published")
    assert Availability([missing], OFFICE).reached_at("li-lei", at) == at
    assert EVERYBODY.reached_at("anybody", at) == at


def test_hours_that_do_not_begin_within_a_month_say_nothing() -> None:
    holidays = tuple(str(datetime(2026, 11, 20, tzinfo=UTC).date() + timedelta(days=day)) for day in range(40))
    calendar = StoredCalendar(id="cn", version=1, time_zone="UTC", hours=DAY_SHIFT, holidays=holidays)
    hours = Availability(
        [WorkingHours(staff="lin-tao", on_shift=False, calendar="cn")], PublishedCalendars(1, [calendar])
    )
    at = datetime(2026, 11, 20, tzinfo=UTC)
    assert hours.reached_at("lin-tao", at) == at
    first_open = datetime(2026, 12, 30, 9, tzinfo=UTC)
    assert hours.reached_at("lin-tao", first_open - HORIZON) == first_open - HORIZON
    assert hours.reached_at("lin-tao", first_open - HORIZON + SECOND) == first_open


@pytest.mark.parametrize(
    ("at", "reached_at"),
    [
        # New York: 8 March 2026 has no 02:30, 1 November 2026 has 01:30 twice.
        ("2026-03-08T06:00:00+00:00", "2026-03-08T07:30:00+00:00"),
        ("2026-11-01T04:59:59+00:00", "2026-11-01T05:00:00+00:00"),
        ("2026-11-01T06:59:59+00:00", "2026-11-01T06:59:59+00:00"),
        ("2026-11-01T07:00:00+00:00", "2026-11-08T06:00:00+00:00"),
    ],
)
def test_hours_are_walked_in_their_own_zone_when_the_clocks_change(at: str, reached_at: str) -> None:
    spring = at.startswith("2026-03")
    hours = {"sun": {"02:30": "05:00"} if spring else {"01:00": "02:00"}}
    person = WorkingHours(staff="x", on_shift=False, hours=hours, time_zone="America/New_York")
    found = Availability([person]).reached_at("x", datetime.fromisoformat(at))
    assert found == datetime.fromisoformat(reached_at)


CREW = {Rung.ON_CALL: "chen-chen", Rung.DEPARTMENT_HEAD: "zhou-qiang", Rung.SUPERVISOR: "wang-fang",
        Rung.ADMIN: "sun-lei"}  # fmt: skip


def chosen(
    hours: Availability,
    at: datetime,
    *,
    waits_from: datetime | None = None,
    level: int = 1,
    crew: Mapping[Rung, str] = CREW,
) -> StepChoice:
    answers = {
        RecipientsQuestion(rung=rung, department="after-sales", at=at): (crew[rung],) if rung in crew else ()
        for rung in CREW
    }
    step = DueStep(LADDER, LadderPlace(1, level), PAUSE, waits_from or at, at, somebody_told=level > 1)
    return choose(step, TICKET, answers, hours)


def told(choice: StepChoice) -> list[str]:
    return [each.staff for each in choice.recipients]


@pytest.mark.parametrize(
    ("at", "reached_at"),
    [
        ("2026-11-20T11:59:59", "2026-11-20T11:59:59"),
        ("2026-11-20T12:00:00", "2026-11-20T13:30:00"),
        ("2026-11-20T17:59:59", "2026-11-20T17:59:59"),
        ("2026-11-20T18:00:00", "2026-11-23T09:00:00"),
        ("2026-09-30T18:10:00", "2026-10-08T09:00:00"),
        ("2026-10-09T18:00:00", "2026-10-10T09:00:00"),
    ],
)
def test_whoever_has_no_hours_is_reached_in_those_by_which_the_ticket_is_promised(at: str, reached_at: str) -> None:
    """Lunch holds too; National Day and its make-up Saturday are known."""
    hours = Availability([always("lin-tao")], OFFICE, promised_by="cn")
    assert hours.reached_at("lin-tao", shanghai(at)) == shanghai(reached_at)
    unknown = Availability([always("lin-tao")], OFFICE, promised_by="not-published")
    assert unknown.reached_at("lin-tao", shanghai(at)) == shanghai(at)


def test_hours_that_somebody_set_go_before_those_of_the_promise() -> None:
    at = shanghai("2026-11-20T19:00:00")
    people = [by_hours("night", {"fri": {"18:00": "24:00"}}), by_hours("shift", on_shift=True), always("anybody")]
    hours = Availability(people, OFFICE, promised_by="cn")
    assert [hours.reached_at(staff, at) for staff in ("night", "shift", "anybody")] == [at, at, MONDAY]
    assert Availability(people, OFFICE, NIGHT, promised_by="cn").reached_at("anybody", at) == at


@pytest.mark.parametrize(("by", "is_held"), [("09:00:01", True), ("09:00:00", True), ("08:59:59", False)])
def test_what_would_come_too_late_when_the_promise_opens_is_said_at_once(by: str, *, is_held: bool) -> None:
    hours, at = Availability([always("lin-tao")], OFFICE, promised_by="cn"), FRIDAY_EVENING
    reached_at = hours.reached_at("lin-tao", at, by=shanghai(f"2026-11-23T{by}"))
    assert reached_at == (MONDAY if is_held else at)


def test_hours_that_somebody_set_are_waited_for_however_late_that_is() -> None:
    assert Availability([by_hours("lin-tao")]).reached_at("lin-tao", FRIDAY_EVENING, by=FRIDAY_EVENING) == MONDAY


FRIDAY_EVENING, MONDAY = shanghai("2026-11-20T22:00:00"), shanghai("2026-11-23T09:00:00")


def test_a_step_within_the_hours_is_told_at_once() -> None:
    choice = chosen(Availability([by_hours("lin-tao")]), shanghai("2026-11-20T17:59:59"))
    assert (choice.at, told(choice)) == (shanghai("2026-11-20T17:59:59"), ["lin-tao"])


def test_a_step_outside_the_hours_waits_for_the_next_window_when_nobody_above_is_reached_before() -> None:
    hours = Availability([by_hours(name) for name in ("lin-tao", "chen-chen", "zhou-qiang", "wang-fang")])
    choice = chosen(hours, FRIDAY_EVENING)
    assert (choice.at, choice.place, told(choice)) == (MONDAY, LadderPlace(1, 1), ["lin-tao"])


def test_it_waits_no_longer_than_until_the_step_above_reaches_somebody() -> None:
    hours = Availability([by_hours("lin-tao"), by_hours("chen-chen", on_shift=True)])
    waiting = chosen(hours, FRIDAY_EVENING)
    assert (waiting.at, waiting.place) == (FRIDAY_EVENING + PAUSE, LadderPlace(1, 2))
    before = chosen(hours, FRIDAY_EVENING + PAUSE - SECOND, waits_from=FRIDAY_EVENING)
    assert before.at == FRIDAY_EVENING + PAUSE
    due = chosen(hours, FRIDAY_EVENING + PAUSE, waits_from=FRIDAY_EVENING)
    assert (due.at, due.place, told(due)) == (FRIDAY_EVENING + PAUSE, LadderPlace(1, 2), ["chen-chen"])


def test_steps_further_up_keep_the_time_of_their_own_step() -> None:
    hours = Availability([by_hours("lin-tao"), by_hours("chen-chen"), always("zhou-qiang")])
    choice = chosen(hours, FRIDAY_EVENING)
    assert (choice.at, choice.place) == (FRIDAY_EVENING + 2 * PAUSE, LadderPlace(1, 3))


def test_a_window_that_opens_before_the_step_above_is_due_is_waited_for() -> None:
    at = shanghai("2026-11-20T08:50:00")
    choice = chosen(Availability([by_hours("lin-tao"), always("chen-chen")]), at)
    assert (choice.at, told(choice)) == (shanghai("2026-11-20T09:00:00"), ["lin-tao"])


def test_a_step_tells_those_whom_it_reaches_and_does_not_wait_for_the_others() -> None:
    ladder = read_ladders()[DEFAULT].of(Threshold.BREACH, ClockName.RESOLUTION)
    at = FRIDAY_EVENING
    answers = {RecipientsQuestion(rung=rung, department="after-sales", at=at): (staff,) for rung, staff in CREW.items()}
    step = DueStep(ladder, LadderPlace(1, 1), PAUSE, at, at, somebody_told=False)
    choice = choose(step, TICKET, answers, Availability([by_hours("lin-tao"), always("zhou-qiang")]))
    assert (choice.at, told(choice)) == (at, ["zhou-qiang"])
    assert [(each.staff, until) for each, until in choice.waiting] == [("lin-tao", MONDAY)]


def test_an_urgent_ticket_reaches_everybody_at_any_hour() -> None:
    assert (chosen(EVERYBODY, FRIDAY_EVENING).at, told(chosen(EVERYBODY, FRIDAY_EVENING))) == (
        FRIDAY_EVENING, ["lin-tao"],
    )  # fmt: skip


def test_steps_that_find_nobody_take_no_time() -> None:
    hours = Availability([by_hours("lin-tao"), always("zhou-qiang")])
    choice = chosen(hours, FRIDAY_EVENING, crew={Rung.DEPARTMENT_HEAD: "zhou-qiang"})
    assert (choice.at, choice.place) == (FRIDAY_EVENING + PAUSE, LadderPlace(1, 3))


def test_the_rest_of_a_round_in_which_somebody_was_told_may_find_nobody() -> None:
    choice = chosen(EVERYBODY, FRIDAY_EVENING, level=2, crew={})
    assert (choice.at, told(choice), choice.is_unheard) == (FRIDAY_EVENING, [], False)


def test_a_first_step_that_is_late_at_night_goes_to_whoever_has_no_hours_and_passes_nobody_over() -> None:
    at, hours = FRIDAY_EVENING, Availability([by_hours("lin-tao")], OFFICE, promised_by="cn")
    answers = {RecipientsQuestion(rung=rung, department="after-sales", at=at): (staff,) for rung, staff in CREW.items()}
    step = DueStep(
        LADDER, LadderPlace(1, 1), PAUSE, at, at, somebody_told=False, tell_by=tell_first_by(Threshold.BREACH, at, at)
    )
    own = choose(step, TICKET, answers, hours)
    assert (own.at, own.place, told(own)) == (MONDAY, LadderPlace(1, 1), ["lin-tao"])
    none = choose(step, TICKET, answers, Availability([], OFFICE, promised_by="cn"))
    assert (none.at, told(none)) == (at, ["lin-tao"])
