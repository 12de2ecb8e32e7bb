"""No input to intake's endpoints yields a 5xx (invariant I18)."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.intake.harness import IntakeHarness, feedback

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=10), inner, max_size=3), max_leaves=8
)  # fmt: skip
FIELDS = [*sorted(feedback()), "language", "occurred_at", "expected_by", "impact", "consent", "unknown"]


async def _send_raw(harness: IntakeHarness, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = await harness.public.post(
        "/v1/feedback",
        content=body,
        headers={"Authorization": f"Bearer {harness.tokens['李雷']}", "Content-Type": "application/json", **headers},
    )
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "\\u0000"), ("description", "a\\u0000b"), ("description", "\\ud800"), ("situation", "\\udfff"),
        ("language", "<script>"), ("channel", "fax"), ("complaint_about", " "), ("description", "\\t \\n"),
    ],
)  # fmt: skip
async def test_text_that_nothing_can_store_is_refused(harness: IntakeHarness, field: str, value: str) -> None:
    body = json.dumps(feedback(**{field: "MARK"})).replace("MARK", value)
    status, problem = await _send_raw(harness, body.encode())
    assert status == 422
    assert problem["errors"][0]["pointer"] == f"/{field}"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 400, "-1", "1.5"])
async def test_numbers_that_are_none_are_refused(harness: IntakeHarness, number: str) -> None:
    body = json.dumps(feedback(impact={"affected_count": 1})).replace(
        '"affected_count": 1', f'"affected_count": {number}'
    )
    status, _ = await _send_raw(harness, body.encode())
    assert status in {400, 422}


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"null", b"[]", b"1", b'"x"', b'{"channel":"web","channel":"web"}', b"[" * 10_000]
)
async def test_a_body_that_is_no_object_is_refused(harness: IntakeHarness, body: bytes) -> None:
    status, _ = await _send_raw(harness, body)
    assert status in {400, 422}


@pytest.mark.parametrize("key", [" ", "x" * 256, "键"])
async def test_a_strange_idempotency_key_is_refused_or_kept(harness: IntakeHarness, key: str) -> None:
    headers = [(b"Authorization", f"Bearer {harness.tokens['李雷']}".encode()), (b"Idempotency-Key", key.encode())]
    answer = await harness.public.post("/v1/feedback", json=feedback(), headers=headers)
    assert answer.status_code in {201, 400, 422}


async def test_the_longest_texts_are_kept_and_longer_ones_refused(harness: IntakeHarness) -> None:
    assert (await harness.call("POST", "/v1/feedback", feedback(description="字" * 20_000))).status_code == 201
    assert (await harness.call("POST", "/v1/feedback", feedback(description="字" * 20_001))).status_code == 422


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1e9", "2026-11-20"])
async def test_instants_at_the_end_of_time_are_no_failure(harness: IntakeHarness, instant: str) -> None:
    for field in ("occurred_at", "expected_by"):
        answer = await harness.call("POST", "/v1/feedback", feedback(**{field: instant}))
        assert answer.status_code in {201, 422}, answer.text


@pytest.mark.parametrize("value", ["soon", 3, {}, "2026-11-20T06:30:00"])
async def test_what_is_neither_a_date_nor_an_instant_is_one_error_at_its_field(
    harness: IntakeHarness, value: Any
) -> None:
    answer = await harness.call("POST", "/v1/feedback", feedback(expected_by=value), Accept_Language="zh-CN")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/expected_by"
    assert error["message"].startswith("请填写日期")


async def test_random_fields_never_fail(harness: IntakeHarness) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(field=st.sampled_from(FIELDS), value=JSON)
    def collect(field: str, value: Any) -> None:
        bodies.append({**feedback(), field: value})

    bodies: list[dict[str, Any]] = []
    collect()
    for body in bodies:
        status, problem = await _send_raw(harness, json.dumps(body).encode())
        assert status in {201, 400, 422}, (body, problem)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/feedback/x%00y", None),
        ("GET", "/v1/feedback/" + "9" * 3000, None),
        ("GET", "/v1/customers/%E4%BD%A0", None),
        ("GET", "/v1/audit?cursor=garbage", None),
        ("GET", "/v1/audit?limit=0", None),
        ("GET", "/v1/audit?cursor=WzFlOTld", None),
        ("GET", "/v1/audit?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", None),
        ("POST", "/v1/customers/search", {"q": "x", "cursor": "WyJub3Qgb25lIiwieCJd"}),
        ("POST", "/v1/customers/search", {"q": "x", "cursor": "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwieCJd"}),
        ("POST", "/v1/customers/search", {"q": "٣٤٥٦٧"}),
        ("POST", "/v1/customers/search", {"q": "\\%_'\""}),
        ("PATCH", "/v1/customers/x", {"tags": ["no spaces here"]}),
    ],
)
async def test_strange_questions_are_refused_or_answered(
    harness: IntakeHarness, method: str, path: str, body: Any
) -> None:
    answer = await harness.call(method, path, body, by="审计" if "audit" in path else "李雷")
    assert answer.status_code < 500, answer.text
