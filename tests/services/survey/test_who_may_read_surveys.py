"""Surveys are their department's (I16), their words those of note readers (I14), their links of those who record."""

from typing import Any

import pytest

from services.contracts.notice import NotSentReason
from services.contracts.survey import NotInvited
from services.contracts.vocabulary import CloseReason
from tests.services.survey.builders import GOOD
from tests.services.survey.harness import JSON, SurveyServiceHarness

SUGGESTED = GOOD.model_copy(update={"suggestion": "请打 13800138000"})


async def listed(harness: SurveyServiceHarness, reader: str, **params: Any) -> list[str]:
    """Ids of the surveys that somebody lists."""
    return [it["id"] for it in (await harness.get("/v1/surveys", reader=reader, **params))["items"]]


@pytest.mark.parametrize(
    ("reader", "sees"),
    [("李雷", True), ("林涛", True), ("周强", True), ("王芳", True), ("吴刚", True), ("郑洁", True), ("赵敏", False)],
)
async def test_a_department_lists_and_reads_its_own_surveys(
    harness: SurveyServiceHarness, reader: str, sees: bool
) -> None:
    invited = await harness.answered()
    assert (invited.id in await listed(harness, reader)) is sees
    answer = await harness.call("GET", f"/v1/surveys/{invited.id}", by=reader)
    assert answer.status_code == (200 if sees else 403)
    asked = await harness.call("GET", f"/v1/surveys/{invited.id}/questionnaire", by=reader)
    assert asked.status_code == (200 if sees else 403)


async def test_helpers_from_elsewhere_read_the_surveys_of_tickets_that_they_helped_with(
    harness: SurveyServiceHarness,
) -> None:
    invited = await harness.answered(co_owners=("赵敏",))
    assert invited.id in await listed(harness, "赵敏")
    assert (await invited.view(by="赵敏"))["answer"]["suggestion"] is None


async def test_an_administrator_reads_no_survey_and_nobody_is_asked_to_sign_in(harness: SurveyServiceHarness) -> None:
    invited = await harness.answered()
    for path in ("/v1/surveys", f"/v1/surveys/{invited.id}", "/v1/reports/satisfaction"):
        assert (await harness.call("GET", path, by="孙磊")).status_code == 403
        assert (await harness.call("GET", path, by=None)).status_code == 401
    assert (await harness.call("GET", "/v1/surveys/nothing", by="李雷")).status_code == 404


@pytest.mark.parametrize(("reader", "reads"), [("李雷", True), ("郑洁", True), ("吴刚", False), ("高原", False)])
async def test_a_suggestion_is_shown_to_those_who_read_notes(
    harness: SurveyServiceHarness, reader: str, reads: bool
) -> None:
    invited = await harness.answered(SUGGESTED)
    answer = (await invited.view(by=reader))["answer"]
    assert answer["suggestion"] == (SUGGESTED.suggestion if reads else None)
    assert answer["scores"] == dict(GOOD.scores)


@pytest.mark.parametrize(
    ("reader", "gets"),
    [("李雷", True), ("王芳", True), ("林涛", False), ("周强", False), ("吴刚", False), ("郑洁", False)],
)
async def test_the_link_is_shown_to_nobody_and_handed_over_by_those_who_may_record_an_answer(
    harness: SurveyServiceHarness, reader: str, gets: bool
) -> None:
    invited = await harness.invite()
    assert (await invited.view(by=reader))["link"] is None
    listed = await harness.get("/v1/surveys", reader=reader, ticket_no=invited.ticket_no)
    assert [it["link"] for it in listed["items"]] == [None]
    given = await harness.call("POST", f"/v1/surveys/{invited.id}/hand-over-link", {}, by=reader)
    assert given.status_code == (200 if gets else 403)
    if gets:
        assert given.json() == {"link": f"http://bihuan.test{invited.page}"}


async def test_a_link_that_takes_no_answer_is_not_handed_over(harness: SurveyServiceHarness) -> None:
    invited = await harness.answered()
    given = await harness.call("POST", f"/v1/surveys/{invited.id}/hand-over-link", {}, by="王芳")
    assert (given.status_code, given.json()["code"]) == (409, "already_answered")


async def test_a_link_that_cannot_be_written_into_the_audit_log_is_not_handed_over(
    harness: SurveyServiceHarness,
) -> None:
    invited = await harness.invite()
    harness.audit.down = True
    try:
        given = await harness.call("POST", f"/v1/surveys/{invited.id}/hand-over-link", {}, by="王芳")
    finally:
        harness.audit.down = False
    assert given.status_code == 503
    assert "link" not in given.json()


async def test_recording_is_for_clerks_and_supervisors_of_the_department(harness: SurveyServiceHarness) -> None:
    invited = await harness.invite()
    for name in ("林涛", "周强", "吴刚", "郑洁", "孙磊", "钱进"):
        assert (await invited.record(by=name)).status_code == 403, name
        assert (await invited.record({"surprise": 1}, by=name)).status_code == 403, name
    assert (await harness.call("POST", "/v1/surveys/nothing/answer", JSON)).status_code == 404
    assert (await invited.record()).status_code == 200


async def test_lists_are_narrowed_by_ticket_and_state_and_come_in_pages_newest_first(
    harness: SurveyServiceHarness,
) -> None:
    ids = [(await harness.invite()).id for _ in range(5)]
    answered = await harness.answered()
    assert await listed(harness, "李雷") == [answered.id, *reversed(ids)]
    assert await listed(harness, "李雷", state="answered") == [answered.id]
    assert await listed(harness, "李雷", ticket_no=answered.ticket_no) == [answered.id]
    first = await harness.get("/v1/surveys", reader="李雷", limit=4)
    second = await harness.get("/v1/surveys", reader="李雷", limit=4, cursor=first["next_cursor"])
    assert [it["id"] for it in first["items"] + second["items"]] == [answered.id, *reversed(ids)]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "params", [{"limit": 201}, {"state": "lost"}, {"score": 6}, {"cursor": "x"}, {"cursor": "WzEsMl0"}, {"x": "y"}]
)
async def test_a_list_that_cannot_be_meant_is_refused(harness: SurveyServiceHarness, params: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {harness.tokens['李雷']}"}
    answer = await harness.http.get("/v1/surveys", params=params, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_survey_says_where_it_belongs_as_it_was_then(harness: SurveyServiceHarness) -> None:
    invited = await harness.answered(co_owners=("何洁",), category="logistics_delay", channel="wechat")
    view = await invited.view()
    expected = {"owner": "林涛", "co_owners": ["何洁"], "department": "after-sales", "category": "logistics_delay",
                "channel": "wechat", "product_model": "BCD-500", "cycle": 1, "close_reason": "confirmed",
                "questionnaire": {"id": "d0", "version": 1}}  # fmt: skip
    assert {name: view[name] for name in expected} == expected


@pytest.mark.parametrize(("named", "asked"), [("d0", "d0"), ("d1", "d0"), ("d4", "d4"), (None, "d0"), ("own", "d0")])
async def test_a_policy_names_its_questionnaire(harness: SurveyServiceHarness, named: str | None, asked: str) -> None:
    invited = await harness.invite(questionnaire=named)
    questionnaire = await harness.get(f"/v1/surveys/{invited.id}/questionnaire")
    assert questionnaire["id"] == asked
    if asked == "d4":
        words = {it["id"]: it["words"]["zh-CN"] for it in questionnaire["questions"]}
        assert [words[each] for each in ("response_speed", "problem_solving", "attitude")] == [
            "处理效率",
            "解决方案",
            "服务态度",
        ]


async def test_no_word_of_a_customer_gets_into_the_log(
    harness: SurveyServiceHarness, caplog: pytest.LogCaptureFixture
) -> None:
    invited = await harness.invite()
    await invited.send({**JSON, "suggestion": "canary 13912345678"})
    await invited.send({**JSON, "suggestion": "canary 13912345678" * 1000})
    assert "13912345678" not in caplog.text


def test_every_reason_of_a_notice_and_every_end_of_a_ticket_is_a_reason_of_a_survey() -> None:
    known = {reason.value for reason in NotInvited}
    assert {reason.value for reason in NotSentReason} <= known
    assert {reason.value for reason in CloseReason} - {CloseReason.CONFIRMED} <= known
