"""POST /v1/calendars/evaluate of api.md, without HTTP."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from services.promises.calendars import Calendar
from services.promises.evaluate import CheckErrors, EvaluateRequest, evaluate

EXAMPLE = {
    "time_zone": "Asia/Shanghai",
    "hours": {"mon": {"09:00": "12:00", "13:30": "18:00"}, "tue": {"09:00": "18:00"}},
    "shifts": {"2026-10-10": {"09:00": "18:00"}},
    "holidays": ["2026-10-01"],
    "breaks": {"2026-10-09": {"15:00": "16:00"}},
}
AT = "2026-09-30T09:30:00Z"


def results(*checks: dict[str, str], calendar: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Ask as JSON and read the answer as JSON."""
    request = EvaluateRequest.model_validate({"calendar": calendar or EXAMPLE, "checks": checks})
    assert request.calendar is not None
    answer = evaluate(Calendar.compile(request.calendar), request.checks)
    found: list[dict[str, Any]] = json.loads(answer.model_dump_json())["results"]
    return found


def test_the_example_of_the_api() -> None:
    assert results(
        {"op": "add", "at": AT, "duration": "PT2WH"},
        {"op": "subtract", "at": AT, "duration": "PT90M"},
        {"op": "between", "at": "2026-09-28T01:00:00Z", "until": "2026-09-30T09:00:00Z"},
    ) == [{"at": "2026-10-05T03:00:00Z"}, {"at": "2026-09-29T08:30:00Z"}, {"seconds": 59400}]


def test_plain_durations_count_opening_time() -> None:
    added = results(
        {"op": "add", "at": AT, "duration": "PT27682S"},
        {"op": "add", "at": AT, "duration": "PT7H41M22S"},
        {"op": "add", "at": AT, "duration": "P1D"},
        {"op": "add", "at": AT, "duration": "P1WD"},
    )
    assert added[0] == added[1] == {"at": "2026-10-06T01:11:22Z"}
    assert added[2] == {"at": "2026-10-10T08:30:00Z"}
    assert added[3] == {"at": "2026-10-06T10:00:00Z"}


def test_fractions_of_seconds_are_kept_and_whole_seconds_are_integers() -> None:
    text = json.dumps(results(
        {"op": "between", "at": "2026-09-28T01:00:00Z", "until": "2026-09-28T01:00:01.500Z"},
        {"op": "between", "at": "2026-09-28T01:00:00Z", "until": "2026-09-28T01:00:02Z"},
        {"op": "between", "at": AT, "until": AT},
    ))  # fmt: skip
    assert text == '[{"seconds": 1.5}, {"seconds": 2}, {"seconds": 0}]'


def test_zero_answers_the_instant_itself_in_utc() -> None:
    assert results({"op": "add", "at": "2026-10-04T12:00:00+08:00", "duration": "PT0S"}) == [
        {"at": "2026-10-04T04:00:00Z"}
    ]


def test_no_checks_have_no_results() -> None:
    assert results() == []


def test_every_check_without_an_answer_is_named() -> None:
    never = {"time_zone": "UTC"}
    with pytest.raises(CheckErrors) as refused:
        results(
            {"op": "between", "at": AT, "until": AT},
            {"op": "add", "at": AT, "duration": "PT1S"},
            {"op": "between", "at": AT, "until": "2026-09-30T09:29:59Z"},
            {"op": "subtract", "at": AT, "duration": "P1WD"},
            calendar=never,
        )
    assert [(error.pointer, error.code) for error in refused.value.errors] == [
        ("/checks/1", "calendar_exhausted"),
        ("/checks/2/until", "until_before_at"),
        ("/checks/3", "calendar_exhausted"),
    ]
    assert refused.value.code == "validation_failed"


def test_exhaustion_alone_is_the_code_of_the_answer() -> None:
    with pytest.raises(CheckErrors) as refused:
        results({"op": "add", "at": AT, "duration": "PT1S"}, calendar={"time_zone": "UTC"})
    assert refused.value.code == "calendar_exhausted"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1969-12-31T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("op", ["add", "subtract"])
def test_instants_out_of_reach_are_exhausted(at: str, op: str) -> None:
    with pytest.raises(CheckErrors) as refused:
        results({"op": op, "at": at, "duration": "PT1S"})
    assert refused.value.code == "calendar_exhausted"


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"calendar": EXAMPLE},
        {"checks": []},
        {"calendar": EXAMPLE, "calendar_id": "cn", "checks": []},
        {"calendar": EXAMPLE, "checks": [{"op": "add", "at": AT}]},
        {"calendar": EXAMPLE, "checks": [{"op": "add", "at": AT, "duration": "PT1H", "until": AT}]},
        {"calendar": EXAMPLE, "checks": [{"op": "multiply", "at": AT}]},
        {"calendar": EXAMPLE, "checks": [{"op": "add", "at": AT, "duration": "-PT1H"}]},
        {"calendar": EXAMPLE, "checks": [{"op": "add", "at": AT, "duration": "P1M"}]},
        {"calendar": EXAMPLE, "checks": [{"op": "add", "at": "2026-09-30T09:30:00", "duration": "PT1H"}]},
        {"calendar": EXAMPLE, "checks": [{"op": "add", "at": "0001-01-01T00:00:00+14:00", "duration": "PT1H"}]},
        {"calendar": EXAMPLE, "checks": [{"op": "add", "at": "9999-12-31T23:00:00-12:00", "duration": "PT1H"}]},
        {"calendar": EXAMPLE | {"country": "CN"}, "checks": []},
        {"calendar": {"hours": {}}, "checks": []},
        {"calendar": EXAMPLE | {"hours": {"monday": {}}}, "checks": []},
        {"calendar": EXAMPLE, "checks": [{"op": "add", "at": AT, "duration": "PT1H"}] * 1001},
    ],
)
def test_a_request_of_another_shape_is_refused(request_body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EvaluateRequest.model_validate(request_body)


def test_a_thousand_checks_are_answered() -> None:
    assert len(results(*[{"op": "add", "at": AT, "duration": "PT1H"}] * 1000)) == 1000
