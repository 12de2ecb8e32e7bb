"""The rating summary (D0 table 2): against a slow count of the answers themselves, within reach, null over nothing."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.contracts.journal import EventType
from services.contracts.survey import Answer, Dimension, Overall
from services.contracts.vocabulary import Category, Channel, CloseReason, Kind
from services.survey.views.counted_surveys import Counted
from tests.services.survey.builders import GOOD, closing, happened
from tests.services.survey.harness import SurveyServiceHarness, keys_of, running_survey_service

SHANGHAI = ZoneInfo("Asia/Shanghai")
KEYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "department": lambda it: it["department"],
    "category": lambda it: it["category"],
    "product_model": lambda it: it["product_model"],
    "owner": lambda it: it["owner"],
    "channel": lambda it: it["channel"],
    "month": lambda it: f"{datetime.fromisoformat(it['answered_at']).astimezone(SHANGHAI):%Y-%m}",
}
NOTHING = {"average": None, "share_1_2": None, "share_3_4": None, "share_5": None, "count": 0, "scores": 0}


async def report(harness: SurveyServiceHarness, *, reader: str = "郑洁", **params: Any) -> dict[str, Any]:
    """The report as somebody reads it."""
    found: dict[str, Any] = await harness.get("/v1/reports/satisfaction", reader=reader, **params)
    return found


async def listed(harness: SurveyServiceHarness, *, reader: str = "郑洁", **params: Any) -> list[dict[str, Any]]:
    """Every survey that somebody may list."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await harness.get("/v1/surveys", reader=reader, limit=50, **cursor, **params)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


@pytest.fixture(scope="module")
async def half_a_year(
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[SurveyServiceHarness]:
    """Answers of half a year, from two departments and from none; tests only read them."""
    async with fresh_database() as url, running_survey_service(url) as harness:
        await _fill(harness)
        yield harness


async def _fill(harness: SurveyServiceHarness) -> None:
    dice = random.Random(7)  # noqa: S311 - test data
    for number in range(150):
        changes: dict[str, Any] = {
            "department": dice.choice(["after-sales", "logistics", None]),
            "owner": dice.choice(["林涛", "何洁", None]),
            "category": dice.choice(list(Category)),
            "kind": dice.choice(list(Kind)),
            "channel": dice.choice([Channel.WEB, Channel.PHONE]),
            "product_model": dice.choice(["BCD-500", "XQG-100", None]),
        }
        at = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=dice.randint(0, 4380))
        if number % 10:
            await harness.answered(_answer(dice), at=at, **changes)
        else:
            await harness.invite(**changes)


def _answer(dice: random.Random) -> Answer:
    def maybe(value: Any) -> Any:
        return value if dice.random() < 0.8 else None

    return Answer(
        scores={dimension: dice.randint(1, 5) for dimension in Dimension},
        overall=dice.choice(list(Overall)),
        recommend=maybe(dice.randint(0, 10)),
        solved_first_time=maybe(dice.random() < 0.7),
        suggestion=maybe(f"建议 {dice.randint(1, 10**9)}"),
    )


def counted(
    surveys: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], Any] | None = None
) -> dict[Any, dict[str, Any]]:
    """Rows counted the slow way; without a key by dimension."""
    scores: dict[Any, list[int]] = defaultdict(list)
    ids: dict[Any, set[str]] = defaultdict(set)
    for survey in surveys:
        for dimension, score in survey["answer"]["scores"].items():
            row = key(survey) if key else dimension
            scores[row].append(score)
            ids[row].add(survey["id"])
    return {row: {**shares(given), "count": len(ids[row]), "scores": len(given)} for row, given in scores.items()}


def shares(given: Sequence[int]) -> dict[str, Any]:
    """Average and shares of some scores."""
    parts = {"share_1_2": {1, 2}, "share_3_4": {3, 4}, "share_5": {5}}
    found = {name: sum(score in part for score in given) / len(given) for name, part in parts.items()}
    return {"average": sum(given) / len(given), **found}


def assert_rows(report: dict[str, Any], expected: dict[Any, dict[str, Any]]) -> None:
    """The rows' figures are these."""
    assert set(keys_of(report["items"])) == set(expected)
    for row in report["items"]:
        figures = {name: value for name, value in row.items() if name not in {"key", "quotations"}}
        assert figures == pytest.approx(expected[row["key"]]), row["key"]


@pytest.mark.parametrize(
    "span", [{}, {"from": "2026-07-01", "to": "2026-09-01"}, {"from": "2001-01-01", "to": "2001-02-01"}]
)
@pytest.mark.parametrize("figure", [figure for figure in Counted if figure is not Counted.NOT_SENT])
async def test_a_figure_is_the_number_of_the_surveys_that_it_leads_to(
    half_a_year: SurveyServiceHarness, span: dict[str, str], figure: Counted
) -> None:
    summary = (await report(half_a_year, **span))["summary"]
    assert summary[figure] == len(await listed(half_a_year, counted=figure, **span))


async def test_every_row_agrees_with_a_slow_count_of_the_answers(half_a_year: SurveyServiceHarness) -> None:
    answered = await listed(half_a_year, state="answered")
    assert len(answered) == 135
    for by, key in KEYS.items():
        assert_rows(await report(half_a_year, by=by), counted(answered, key))
    assert_rows(await report(half_a_year), counted(answered))


async def test_filters_narrow_rows_and_list_alike(half_a_year: SurveyServiceHarness) -> None:
    for filters in (
        {"department": "logistics"},
        {"category": "process", "kind": "complaint"},
        {"owner": ["林涛", "何洁"]},
        {"product_model": "XQG-100", "channel": "phone"},
        {"from": "2026-08-01", "to": "2026-10-01"},
        {"from": "2026-07-31T16:00:00Z", "to": "2026-08-31T16:00:00Z", "department": "after-sales"},
    ):
        found = await listed(half_a_year, state="answered", **filters)
        assert found, filters
        told = await report(half_a_year, **filters)
        assert_rows(told, counted(found) or dict.fromkeys(Dimension, NOTHING))
        assert told["summary"]["answered"] == len(found)


async def test_one_dimension_by_department_is_the_table_of_d0(half_a_year: SurveyServiceHarness) -> None:
    answered = await listed(half_a_year, state="answered")
    told = await report(half_a_year, by="department", dimension="attitude")
    for row in told["items"]:
        given = [it["answer"]["scores"]["attitude"] for it in answered if it["department"] == row["key"]]
        assert {name: row[name] for name in shares(given)} == pytest.approx(shares(given))
        assert row["count"] == row["scores"] == len(given)
    told = await report(half_a_year, by="month", dimension="overall")
    for row in told["items"]:
        given = [Overall(it["answer"]["overall"]).score for it in answered if KEYS["month"](it) == row["key"]]
        assert row["average"] == pytest.approx(shares(given)["average"])


async def test_every_number_of_a_row_leads_to_its_surveys(half_a_year: SurveyServiceHarness) -> None:
    for row in (await report(half_a_year))["items"]:
        found = await listed(half_a_year, dimension=row["key"], score=[1, 2])
        assert len(found) == round(row["share_1_2"] * row["count"])
    low = await listed(half_a_year, dimension="overall", score=[1, 2])
    summary = (await report(half_a_year))["summary"]
    assert len(low) == round(summary["overall_share_1_2"] * summary["overall_count"])
    assert len(await listed(half_a_year, low="true")) == summary["low"]
    some = await listed(half_a_year, score=[5])
    assert all(5 in it["answer"]["scores"].values() for it in some)
    assert len(some) == sum(5 in it["answer"]["scores"].values() for it in await listed(half_a_year, state="answered"))


async def test_the_summary_agrees_with_a_slow_count_of_the_answers(half_a_year: SurveyServiceHarness) -> None:
    surveys = await listed(half_a_year)
    given = [it["answer"] for it in surveys if it["answer"]]
    overall = [Overall(it["overall"]).score for it in given]
    recommend = [it["recommend"] for it in given if it["recommend"] is not None]
    stated = [it["solved_first_time"] for it in given if it["solved_first_time"] is not None]
    promoters, detractors = sum(it >= 9 for it in recommend), sum(it <= 6 for it in recommend)
    summary = (await report(half_a_year))["summary"]
    assert summary.pop("not_sent") == {}
    assert summary == pytest.approx(
        {
            "answered": 135,
            "overall_average": shares(overall)["average"],
            "overall_share_1_2": shares(overall)["share_1_2"],
            "overall_share_3_4": shares(overall)["share_3_4"],
            "overall_share_5": shares(overall)["share_5"],
            "overall_count": len(overall),
            "satisfaction": sum(it >= 4 for it in overall) / len(overall),
            "nps": 100 * (promoters - detractors) / len(recommend),
            "nps_count": len(recommend),
            "delivered": 150,
            "delivered_and_answered": 135,
            "response_rate": 135 / 150,
            "closed": 150,
            "closed_first_time": 150,
            "solved_first_time": 1.0,
            "solved_first_time_stated": sum(stated) / len(stated),
            "stated_count": len(stated),
            "low": sum(it["low"] for it in given),
        }
    )


async def test_nothing_is_null_and_never_zero(harness: SurveyServiceHarness) -> None:
    told = await report(harness)
    assert keys_of(told["items"]) == list(Dimension)
    assert all({name: row[name] for name in NOTHING} == NOTHING for row in told["items"])
    summary = told["summary"]
    ratios = [name for name in summary if name.startswith(("overall_share", "satisf", "nps", "response", "solved"))]
    assert {summary[name] for name in ratios if not name.endswith("count")} == {None}
    assert summary["overall_average"] is None
    assert (await report(harness, by="department"))["items"] == []


async def test_what_was_sent_and_not_answered_has_a_response_rate_of_zero(harness: SurveyServiceHarness) -> None:
    await harness.invite()
    summary = (await report(harness))["summary"]
    assert (summary["delivered"], summary["response_rate"], summary["satisfaction"]) == (1, 0.0, None)


async def test_the_response_rate_counts_only_what_was_delivered(harness: SurveyServiceHarness) -> None:
    await harness.answered()
    await harness.invite()
    await harness.invite(sent=False)
    by_phone = await harness.invite(sent=False)
    await harness.set(by_phone.id, state="not_sent", not_sent_reason="no_address")
    assert (await by_phone.record()).status_code == 200
    summary = (await report(harness))["summary"]
    assert (summary["answered"], summary["delivered"], summary["response_rate"]) == (2, 2, 0.5)


async def test_solved_the_first_time_is_what_tickets_say_beside_what_customers_say(
    harness: SurveyServiceHarness,
) -> None:
    await harness.answered()
    reopened = await harness.answered(GOOD.model_copy(update={"solved_first_time": False}))
    await harness.apply(happened(EventType.REOPENED, ticket_no=reopened.ticket_no, cycle=2))
    await harness.apply(closing(ticket_no=reopened.ticket_no, cycle=2))
    for reason in (CloseReason.UNRESOLVED, CloseReason.NOT_REACHED, CloseReason.MERGED, CloseReason.WITHDRAWN):
        await harness.apply(closing(reason))
    summary = (await report(harness))["summary"]
    assert (summary["closed"], summary["closed_first_time"], summary["solved_first_time"]) == (4, 1, 0.25)
    assert summary["solved_first_time_stated"] == 0.5
    assert summary["not_sent"] == {"unresolved": 1, "not_reached": 1, "merged": 1, "withdrawn": 1}
    for reason in summary["not_sent"]:
        (unsent,) = await listed(harness, counted=Counted.NOT_SENT, not_sent_reason=reason)
        assert unsent["not_sent_reason"] == reason
    assert len(await listed(harness, counted=Counted.CLOSED)) == 4
    assert len(await listed(harness, counted=Counted.CLOSED_FIRST_TIME)) == 1


@pytest.mark.parametrize(
    ("answered_at", "month"),
    [
        ("2026-10-31T15:59:59Z", "2026-10"),
        ("2026-10-31T16:00:00Z", "2026-11"),
        ("2026-11-30T15:59:59Z", "2026-11"),
        ("2026-11-30T16:00:00Z", "2026-12"),
    ],
)
async def test_a_month_begins_at_midnight_of_the_business_time_zone(
    harness: SurveyServiceHarness, answered_at: str, month: str
) -> None:
    await harness.answered(at=datetime.fromisoformat(answered_at))
    assert keys_of((await report(harness, by="month"))["items"]) == [month]
    inside = await report(harness, by="month", **{"from": "2026-11-01", "to": "2026-12-01"})
    assert keys_of(inside["items"]) == (["2026-11"] if month == "2026-11" else [])


async def test_quotations_are_the_newest_and_only_for_those_who_may_read_them(harness: SurveyServiceHarness) -> None:
    for day in range(1, 6):
        said = GOOD.model_copy(update={"suggestion": f"第{day}天"})
        await harness.answered(said, at=datetime(2026, 11, day, tzinfo=UTC))
    await harness.answered(at=datetime(2026, 11, 9, tzinfo=UTC))
    for by in ("dimension", "department", "month"):
        row = (await report(harness, by=by))["items"][0]
        assert row["quotations"] == ["第5天", "第4天", "第3天"]
    assert (await report(harness, by="owner", quotations=1))["items"][0]["quotations"] == ["第5天"]
    assert (await report(harness, quotations=0))["items"][0]["quotations"] == []
    for reader in ("吴刚", "高原"):
        assert (await report(harness, reader=reader))["items"][0]["quotations"] == []
    assert (await report(harness, reader="周强"))["items"][0]["quotations"]


async def test_a_department_reports_on_itself_alone(harness: SurveyServiceHarness) -> None:
    await harness.answered(department="after-sales")
    await harness.answered(department="logistics")
    await harness.answered(department=None)
    for reader, departments in {
        "周强": ["after-sales", None],
        "吴刚": ["after-sales", None],
        "赵敏": ["logistics", None],
        "高原": ["after-sales", "logistics", None],
        "王芳": ["after-sales", "logistics", None],
        "郑洁": ["after-sales", "logistics", None],
    }.items():
        told = await report(harness, reader=reader, by="department")
        assert keys_of(told["items"]) == departments, reader
        assert told["summary"]["answered"] == len(departments)
        assert told["summary"]["closed"] == len(departments)
    assert (await report(harness, reader="赵敏", by="department", department="after-sales"))["items"] == []


async def test_a_rating_stays_with_those_who_earned_it(harness: SurveyServiceHarness) -> None:
    first = await harness.answered(GOOD, owner="林涛", department="after-sales")
    await harness.apply(happened(EventType.REOPENED, ticket_no=first.ticket_no, cycle=2))
    await harness.apply(closing(ticket_no=first.ticket_no, cycle=2, owner="赵敏", department="logistics"))
    rows = (await report(harness, by="owner"))["items"]
    assert [(row["key"], row["count"]) for row in rows] == [("林涛", 1)]


async def test_rows_come_in_pages(harness: SurveyServiceHarness) -> None:
    for model in ("A", "B", "C", None):
        await harness.answered(product_model=model)
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await report(harness, by="product_model", limit=2, **cursor)
        found += keys_of(page["items"])
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == ["A", "B", "C", None]


async def test_a_questionnaire_of_five_words_is_counted_with_the_others(harness: SurveyServiceHarness) -> None:
    await harness.answered()
    scores = {"response_speed": 1, "problem_solving": 1, "attitude": 1}
    await harness.answered(GOOD.model_copy(update={"scores": scores}), questionnaire="d4")
    rows = {row["key"]: row for row in (await report(harness))["items"]}
    assert (rows["attitude"]["count"], rows["attitude"]["average"]) == (2, 3.0)
    assert (rows["convenience"]["count"], rows["convenience"]["average"]) == (1, 4.0)


@pytest.mark.parametrize(
    "params",
    [
        {"by": "moon"},
        {"from": "yesterday"},
        {"from": "2026-13-01"},
        {"from": "2026-11-02", "to": "2026-11-01"},
        {"from": "0001-01-01"},
        {"quotations": 21},
        {"limit": 0},
        {"surprise": 1},
        {"department": "../etc"},
        {"dimension": "a b"},
        {"cursor": "x"},
        {"cursor": "WzFd"},
    ],
)
async def test_a_question_that_cannot_be_meant_is_refused(
    harness: SurveyServiceHarness, params: dict[str, Any]
) -> None:
    answer = await harness.http.get(
        "/v1/reports/satisfaction", params=params, headers={"Authorization": f"Bearer {harness.tokens['郑洁']}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
