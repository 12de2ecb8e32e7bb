"""An answer counts once, can be changed for ten minutes, and opening the link never gives one (25, 26; I13)."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from services.contracts.journal import EventType
from services.contracts.survey import Answer
from tests.services.repeats import until_known
from tests.services.survey.builders import GOOD, happened
from tests.services.survey.harness import FORM, JSON, SurveyServiceHarness, text_of

WINDOW, SECOND = timedelta(minutes=10), timedelta(seconds=1)
WORSE = {**JSON, "scores": {**JSON["scores"], "attitude": 1}}


async def test_twenty_scanners_that_open_the_link_answer_nothing(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    before = await invited.row()
    for page in await asyncio.gather(*(invited.open() for _ in range(20))):
        assert page.status_code == 200
    assert await invited.row() == before


async def test_an_answer_on_the_page_is_recorded_and_thanked_for(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    sent = await invited.fill_in()
    assert (sent.status_code, sent.headers["location"]) == (303, invited.page)
    assert "谢谢您的评价" in text_of(await invited.open())
    view = await invited.view()
    assert view["state"] == "answered"
    assert view["answer"] | JSON == view["answer"]
    assert view["answer"]["recorded_by"] is None


async def test_an_app_answers_with_json(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    sent = await invited.send()
    assert sent.status_code == 200, sent.text
    told = sent.json()
    assert (told["ticket_no"], told["state"]) == (invited.ticket_no, "answered")
    assert told["answer"] | JSON == told["answer"]


async def test_scores_may_be_spelled_as_the_api_nests_them(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    nested = {f"scores.{name}": FORM[name] for name in JSON["scores"]}
    sent = await invited.fill_in({**dict.fromkeys(JSON["scores"], ""), **nested})
    assert sent.status_code == 303
    assert (await invited.view())["answer"]["scores"] == JSON["scores"]


async def test_two_hundred_parallel_answers_are_one(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    bodies = [{**JSON, "recommend": number % 11} for number in range(200)]
    answers = await asyncio.gather(*(until_known(partial(invited.send, body)) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    async with harness.surveys.database.read() as connection:
        count = await connection.exec_driver_sql("SELECT count(*) FROM survey.answers")
        assert count.scalar() == 1
    report = await harness.get("/v1/reports/satisfaction")
    assert report["summary"]["answered"] == 1


@pytest.mark.parametrize(
    "since",
    [{"state": "withdrawn"}, {"state": "expired"}, {"revision": 7}],
    ids=["withdrawn", "expired", "told_of"],
)
async def test_a_survey_that_has_changed_since_it_was_read_is_looked_at_again(
    harness: SurveyServiceHarness, since: dict[str, Any]
) -> None:
    invited = await harness.invite()
    read = await invited.row()
    await harness.set(invited.id, **since)
    assert not await harness.surveys.answering.first(harness.surveys.database, read, GOOD)
    row = await invited.row()
    assert (row["state"], row["answered_at"], row["scores"]) == (since.get("state", "sent"), None, None)


async def test_the_same_answer_again_changes_nothing_and_is_thanked_for_also_when_final(
    harness: SurveyServiceHarness,
) -> None:
    invited = await harness.invite()
    await invited.fill_in()
    before = await invited.row()
    assert (await invited.fill_in()).status_code == 303
    assert await invited.row() == before
    harness.let_it_be(before["answered_at"] + WINDOW + SECOND)
    assert (await invited.fill_in()).status_code == 303
    assert (await invited.send()).status_code == 200
    assert await invited.row() == before


@pytest.mark.parametrize(
    ("after", "status"), [(WINDOW - SECOND, 200), (WINDOW, 200), (WINDOW + SECOND, 409), (timedelta(days=3), 409)]
)
async def test_an_answer_can_be_changed_for_ten_minutes_and_is_final_then(
    harness: SurveyServiceHarness, after: timedelta, status: int
) -> None:
    invited = await harness.invite()
    await invited.send()
    harness.let_it_be((await invited.row())["answered_at"] + after)
    changed = await invited.send(WORSE)
    assert changed.status_code == status
    row = await invited.row()
    assert row["scores"]["attitude"] == (1 if status == 200 else 5)
    assert row["low"] is (status == 200)
    if status == 409:
        assert changed.json()["code"] == "already_answered"


async def test_the_window_runs_from_the_first_answer_not_from_the_last_change(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    await invited.send()
    answered_at = (await invited.row())["answered_at"]
    harness.let_it_be(answered_at + WINDOW - SECOND)
    await invited.send(WORSE)
    assert (await invited.row())["answered_at"] == answered_at
    harness.let_it_be(answered_at + WINDOW + SECOND)
    assert (await invited.send()).status_code == 409


async def test_the_page_offers_a_change_within_the_window_with_everything_filled_in(
    harness: SurveyServiceHarness,
) -> None:
    invited = await harness.invite()
    await invited.fill_in()
    assert "修改我的评价" in text_of(await invited.open())
    form = (await harness.http.get(f"{invited.page}?change=true")).text
    assert "师傅很准时" in form
    for name in ("attitude", "problem_solving", "overall", "recommend", "solved_first_time"):
        assert f'name="{name}" value="{FORM[name]}" checked' in form
    harness.let_it_be((await invited.row())["answered_at"] + WINDOW + SECOND)
    assert "修改我的评价" not in text_of(await invited.open())
    assert "<form" not in (await harness.http.get(f"{invited.page}?change=true")).text


async def test_a_form_replaces_no_answer_that_it_did_not_show(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    first, second = basis_in(await invited.open()), basis_in(await invited.open())
    assert (await invited.fill_in({"basis": first})).status_code == 303
    before = await invited.row()
    refused = await invited.fill_in({"basis": second, "attitude": "1", "suggestion": "其实不好"})
    assert (refused.status_code, "您已在别处提交了评价" in refused.text) == (409, True)
    assert "其实不好</textarea>" in refused.text
    assert 'name="attitude" value="1" checked' in refused.text
    assert await invited.row() == before
    anew = {"basis": basis_in(refused), "attitude": "1", "suggestion": "其实不好"}
    assert (await invited.fill_in(anew)).status_code == 303
    assert (await invited.row())["scores"]["attitude"] == 1


async def test_a_second_click_on_a_form_is_thanked_for(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    shown = {"basis": basis_in(await invited.open())}
    assert [(await invited.fill_in(shown)).status_code for _ in range(2)] == [303, 303]


async def test_a_form_drawn_before_the_survey_was_withdrawn_comes_back_with_what_was_written(
    harness: SurveyServiceHarness,
) -> None:
    invited = await harness.invite()
    shown = {"basis": basis_in(await invited.open()), "suggestion": "师傅忘了带工具"}
    await harness.apply(happened(EventType.REOPENED, ticket_no=invited.ticket_no, cycle=2))
    page = await invited.fill_in(shown)
    assert (page.status_code, "师傅忘了带工具" in page.text) == (410, True)
    assert (await invited.row())["answered_at"] is None


def basis_in(page: httpx.Response) -> str:
    """The basis that the page's form carries."""
    found = re.search(r'name="basis" value="([^"]+)"', page.text)
    assert found
    return found[1]


@pytest.mark.parametrize(("left", "status"), [(SECOND, 200), (timedelta(0), 200), (-SECOND, 410)])
async def test_a_link_works_until_it_expires(harness: SurveyServiceHarness, left: timedelta, status: int) -> None:
    invited = await harness.invite()
    harness.let_it_be((await invited.row())["expires_at"] - left)
    assert (await invited.open()).status_code == status
    answered = await invited.send()
    assert answered.status_code == status
    if status == 410:
        assert answered.json()["code"] == "survey_expired"


async def test_a_reopening_withdraws_the_link(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    await harness.apply(happened(EventType.REOPENED, ticket_no=invited.ticket_no, cycle=2))
    page = await invited.open()
    assert (page.status_code, "这次评价已撤回" in text_of(page)) == (410, True)
    assert (await invited.send()).json()["code"] == "survey_withdrawn"
    assert (await invited.row())["answered_at"] is None


async def test_an_unknown_link_is_a_plain_page_and_a_problem_for_apps(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    for path in (invited.page[:-1] + ("A" if invited.page[-1] != "A" else "B"), "/s/x", f"/s/{'A' * 43}"):
        page = await harness.http.get(path, headers={"Accept-Language": "zh-CN"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        answer = await harness.http.post(path, json=JSON)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_link_is_stored_as_a_hash_and_another_nonce_revokes_it(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    token = invited.page.removeprefix("/s/")
    async with harness.surveys.database.read() as connection:
        stored = str((await connection.exec_driver_sql("SELECT to_jsonb(i)::text FROM survey.invitations i")).all())
    assert token not in stored
    await harness.set(invited.id, nonce="another", token_hash=b"another")
    assert (await invited.open()).status_code == 404


async def test_an_answer_that_comes_before_the_notice_is_known_to_be_sent_counts(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite(sent=False)
    assert (await invited.send()).status_code == 200
    assert (await invited.row())["state"] == "answered"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/scores/response_speed", "required"),
        ({**JSON, "scores": {**JSON["scores"], "attitude": 0}}, "/scores/attitude", "greater_than_equal"),
        ({**JSON, "scores": {**JSON["scores"], "attitude": 6}}, "/scores/attitude", "less_than_equal"),
        ({**JSON, "scores": {**JSON["scores"], "attitude": "5"}}, "/scores/attitude", "int_type"),
        ({**JSON, "scores": {**JSON["scores"], "price": 5}}, "/scores/price", "unknown_field"),
        ({**JSON, "overall": "great"}, "/overall", "enum"),
        ({**JSON, "recommend": 11}, "/recommend", "less_than_equal"),
        ({**JSON, "solved_first_time": 1}, "/solved_first_time", "bool_type"),
        ({**JSON, "suggestion": "好" * 5001}, "/suggestion", "string_too_long"),
        ({**JSON, "price": 5}, "/price", "unknown_field"),
        ({**JSON, "other": {"price": 5}}, "/other/price", "unknown_field"),
    ],
)
async def test_an_app_s_mistake_is_named_where_it_is(
    harness: SurveyServiceHarness, body: object, pointer: str, code: str
) -> None:
    invited = await harness.invite()
    answer = await invited.send(body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert (pointer, code) in {(each["pointer"], each["code"]) for each in answer.json()["errors"]}
    assert (await invited.row())["answered_at"] is None


async def test_a_form_that_lacks_something_says_it_at_the_field_and_keeps_everything(
    harness: SurveyServiceHarness,
) -> None:
    invited = await harness.invite()
    page = await invited.fill_in({"attitude": "", "overall": ""})
    assert page.status_code == 422
    assert page.text.count('class="error"') == 2
    assert "服务态度" in text_of(page)
    assert "师傅很准时" in page.text
    assert 'name="recommend" value="9" checked' in page.text
    assert (await invited.row())["answered_at"] is None


@pytest.mark.parametrize("value", ["0", "6", "5.0", "五", "999999999999", "-1", "true", "\u0661"])
async def test_a_form_with_a_forged_score_is_refused_at_the_field(harness: SurveyServiceHarness, value: str) -> None:
    invited = await harness.invite()
    page = await invited.fill_in({"attitude": value})
    assert (page.status_code, page.text.count('class="error"')) == (422, 1)


async def test_a_form_of_another_site_is_refused(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    page = await harness.http.post(invited.page, data=FORM, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 403
    assert (await invited.row())["answered_at"] is None


async def test_hostile_bodies_are_refused_and_never_fail(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    hostile: list[tuple[bytes, str]] = [
        (b"attitude=%00", "application/x-www-form-urlencoded"),
        (b"attitude=%ff%fe", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % number for number in range(5000)), "application/x-www-form-urlencoded"),
        (b"suggestion=" + b"x" * 2_000_000, "application/x-www-form-urlencoded"),
        (b'{"suggestion": "\\u0000"}', "application/json"),
        (b'{"suggestion": "\\ud800"}', "application/json"),
        (b'{"recommend": NaN}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"x", "text/plain"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
    ]
    for body, kind in hostile:
        answer = await harness.http.post(invited.page, content=body, headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500, (body[:30], answer.status_code)
    assert (await invited.row())["answered_at"] is None


async def test_who_was_never_reached_may_answer_on_the_phone(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite(sent=False)
    await harness.set(invited.id, state="not_sent", not_sent_reason="no_address", done=True)
    answer = await invited.record()
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert (view["state"], view["not_sent_reason"], view["answer"]["recorded_by"]) == ("answered", None, "李雷")
    row = await invited.row()
    assert (row["done"], row["engine_id"]) == (False, None)


async def test_who_was_not_to_be_asked_is_not_asked_on_the_phone(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite(sent=False)
    await harness.set(invited.id, state="not_sent", not_sent_reason="unresolved", done=True)
    assert (await invited.record()).status_code == 410


async def test_an_answer_taken_by_phone_is_final_and_marked(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    assert (await invited.record()).status_code == 200
    assert (await invited.record(WORSE)).json()["code"] == "already_answered"
    assert (await invited.send(WORSE)).json()["code"] == "already_answered"
    page = await invited.open()
    assert "我们在电话中替您记录了评价" in text_of(page)
    assert "修改我的评价" not in text_of(page)
    assert (await invited.view())["answer"]["recorded_by"] == "李雷"


async def test_an_answer_of_the_customer_is_not_overwritten_by_phone(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    await invited.send()
    assert (await invited.record(WORSE)).json()["code"] == "already_answered"
    assert (await invited.record()).json()["code"] == "already_answered"


@pytest.mark.parametrize("relation", ["owner", "co_owners", "complaint_about"])
async def test_nobody_records_a_rating_of_their_own_work(harness: SurveyServiceHarness, relation: str) -> None:
    named: dict[str, Any] = {relation: ("李雷",) if relation == "co_owners" else "李雷"}
    invited = await harness.invite(**named)
    answer = await invited.record()
    assert (answer.status_code, answer.json()["code"]) == (403, "own_work")
    given = await harness.call("POST", f"/v1/surveys/{invited.id}/hand-over-link", {})
    assert (given.status_code, given.json()["code"]) == (403, "own_work")
    assert (await invited.record(by="王芳")).status_code == 200


async def test_own_work_is_refused_before_the_body_is_looked_at(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite(owner="李雷")
    assert (await invited.record({})).status_code == 403


async def test_a_repeat_under_the_same_key_gets_the_first_answer_again(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    first = await invited.record(Idempotency_Key="call-7")
    again = await invited.record(Idempotency_Key="call-7")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert (await invited.record(WORSE, Idempotency_Key="call-7")).status_code == 422


def test_what_is_low_and_what_is_not() -> None:
    assert not Answer.model_validate(JSON).is_low
    assert Answer.model_validate(WORSE).is_low
    assert Answer.model_validate({"overall": "dissatisfied"}).is_low
    assert not Answer.model_validate({"overall": "neutral", "scores": {"attitude": 3}}).is_low
    assert Answer.model_validate({"scores": {"attitude": 2}}).is_low
    assert not Answer().is_low


async def test_a_low_answer_is_told_that_somebody_will_call(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    await invited.fill_in({"problem_solving": "2"})
    text = text_of(await invited.open())
    assert "客服主管会在" in text
    call_by = (await invited.row())["answered_at"] + timedelta(hours=24)
    assert call_by.astimezone(UTC) > datetime.now(UTC)
