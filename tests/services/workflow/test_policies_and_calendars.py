"""Policies and calendars over HTTP: versions, drafts, publication, and the calculator (api.md "Policy", evaluate)."""

import asyncio
import itertools
from datetime import datetime
from typing import Any

import pytest

from tests.services.system import System, feedback, until

_ids = itertools.count(1)
ASKED: dict[str, Any] = {
    "calendar": {
        "time_zone": "Asia/Shanghai",
        "hours": {"mon": {"09:00": "12:00", "13:30": "18:00"}, "tue": {"09:00": "18:00"}},
        "shifts": {"2026-10-10": {"09:00": "18:00"}},
        "holidays": ["2026-10-01"],
        "breaks": {"2026-10-09": {"15:00": "16:00"}},
    },
    "checks": [
        {"op": "add", "at": "2026-09-28T01:30:00Z", "duration": "PT2WH"},
        {"op": "subtract", "at": "2026-09-28T09:30:00Z", "duration": "PT90M"},
        {"op": "between", "at": "2026-09-28T01:00:00Z", "until": "2026-09-30T09:00:00Z"},
    ],
}


def policy(**changes: Any) -> dict[str, Any]:
    """A policy of its own for feedback from one subcategory of channels: nobody else's tickets match it."""
    return {
        "title": {"zh-CN": "试用", "en": "trial"},
        "calendar": "always",
        "applies": [{"channel": "chat", "kind": ["praise"]}],
        "clocks": {"acceptance": {"target": "PT90S"}, "response": {"target": {"urgent": "PT5S", "*": "PT20M"}}},
        **changes,
    }


async def put(system: System, id_: str, body: dict[str, Any], *, publish: bool, **headers: str) -> Any:
    path = f"/v1/policies/{id_}" + ("?publish=true" if publish else "")
    return await system.call("PUT", path, body, by="孙磊", **headers)


async def praised(system: System) -> dict[str, Any]:
    """A ticket that the policies of these tests are for."""
    return dict(await system.get(f"/v1/tickets/{await system.register(channel='chat', kind='praise')}"))


def due(ticket: dict[str, Any], name: str) -> float:
    clock = next(clock for clock in ticket["clocks"] if clock["name"] == name)
    return (datetime.fromisoformat(clock["due_at"]) - datetime.fromisoformat(ticket["opened_at"])).total_seconds()


async def test_a_published_policy_promises_to_the_next_feedback_and_a_draft_does_not(system: System) -> None:
    id_ = f"trial-{next(_ids)}"
    draft = await put(system, id_, policy(), publish=False)
    assert (draft.status_code, draft.json()["version"], draft.json()["published_at"]) == (200, 1, None)
    assert draft.headers["ETag"] == '"1"'
    assert (await praised(system))["policy"]["id"] != id_
    published = await put(system, id_, policy(), publish=True)
    assert (published.json()["version"], bool(published.json()["published_at"])) == (2, True)
    ticket = await praised(system)
    assert ticket["policy"] == {"id": id_, "version": 2}
    assert (due(ticket, "acceptance"), due(ticket, "response")) == (90, 1200)
    await put(system, id_, policy(clocks={"acceptance": {"target": "PT1H"}}), publish=False)
    assert (await praised(system))["policy"]["version"] == 2
    assert (await system.get(f"/v1/policies/{id_}"))["version"] == 3


async def test_the_answer_to_a_registration_tells_what_the_new_policy_promises(system: System) -> None:
    await put(system, f"trial-{next(_ids)}", policy(), publish=True)
    body = feedback(channel="chat", kind="praise")
    told = (await system.call("POST", "/v1/feedback", body)).json()
    ticket = await system.get(f"/v1/tickets/{told['ticket_no']}")
    clocks = {clock["name"]: clock["due_at"] for clock in ticket["clocks"]}
    assert told["promised"] == {"accept_by": clocks["acceptance"], "respond_by": clocks["response"]}


async def test_a_policy_may_promise_nothing(system: System) -> None:
    id_ = f"trial-{next(_ids)}"
    await put(system, id_, policy(clocks={"response": {"target": {"urgent": "PT5S", "*": None}}}), publish=True)
    ticket = await praised(system)
    assert (ticket["policy"]["id"], ticket["clocks"], ticket["next_due_at"]) == (id_, [], None)


async def test_the_first_policy_in_the_order_of_the_list_that_matches_applies(system: System) -> None:
    earlier, later = f"trial-{next(_ids)}", f"trial-{next(_ids)}"
    await put(system, earlier, policy(), publish=True)
    await put(system, later, policy(), publish=True)
    listed = [item["id"] for item in (await system.get("/v1/policies", limit=200))["items"]]
    assert listed.index(later) < listed.index(earlier) < listed.index("d0-standard")
    assert (await praised(system))["policy"]["id"] == later
    await put(system, later, policy(applies=[{"channel": "chat", "kind": "praise", "tier": "vip"}]), publish=True)
    assert (await praised(system))["policy"]["id"] == earlier


async def test_a_target_of_seconds_is_breached_in_seconds(system: System) -> None:
    await put(system, f"trial-{next(_ids)}", policy(clocks={"acceptance": {"target": "PT1S"}}), publish=True)
    ticket_no = (await praised(system))["ticket_no"]

    async def is_breached() -> bool:
        clocks = (await system.get(f"/v1/tickets/{ticket_no}"))["clocks"]
        return bool(clocks[0]["state"] == "breached")

    await until(is_breached)
    clock = (await system.get(f"/v1/tickets/{ticket_no}"))["clocks"][0]
    assert clock["breached_at"] == clock["due_at"] <= clock["detected_at"]
    item = (await system.get("/v1/tickets", overdue="true", clock="acceptance", kind="praise", limit=200))["items"]
    assert ticket_no in {each["ticket_no"] for each in item}
    view = await system.do(ticket_no, "explain-breach", {"clock": "acceptance", "reason": "人手不足"}, by="李雷")
    assert "explain-breach" not in view["allowed"]


async def test_a_policy_that_was_read_can_be_put_back(system: System) -> None:
    id_ = f"trial-{next(_ids)}"
    await put(system, id_, policy(), publish=True)
    read = await system.get(f"/v1/policies/{id_}")
    back = await put(system, id_, read, publish=False)
    assert back.status_code == 200, back.text
    assert back.json()["clocks"] == read["clocks"]
    for calendar in ("cn", "always"):
        body = await system.get(f"/v1/calendars/{calendar}")
        answer = await system.call("PUT", f"/v1/calendars/{calendar}", body, by="孙磊")
        assert answer.status_code == 200, answer.text
        of_the_version = {"version", "created_at", "created_by", "published_at"}
        assert {**answer.json(), **dict.fromkeys(of_the_version)} == {**body, **dict.fromkeys(of_the_version)}


async def test_of_two_writers_of_one_version_one_is_refused(system: System) -> None:
    id_ = f"trial-{next(_ids)}"
    await put(system, id_, policy(), publish=False)
    answers = await asyncio.gather(*(put(system, id_, policy(), publish=False, If_Match='"1"') for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    stale = await system.call("PUT", "/v1/calendars/cn", {"time_zone": "UTC"}, by="孙磊", If_Match='"99"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"calendar": "nowhere"}, "/calendar"),
        ({"clocks": {"acceptance": {"target": "2 hours"}}}, "/clocks/acceptance/target"),
        ({"clocks": {"lunch": {"target": "PT1H"}}}, "/clocks/lunch"),
        ({"clocks": {"response": {"target": "PT99999999H"}}}, "/clocks/response/target"),
        ({"settings": {"callback_attempts": 0}}, "/settings/callback_attempts"),
        ({"settings": {"reopen_window": "P9999WD"}, "calendar": "cn"}, None),
        ({"applies": [{"colour": "red"}]}, "/applies/0/colour"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_policy_that_cannot_be_kept_is_refused_where_it_is_wrong(
    system: System, changes: dict[str, Any], pointer: str | None
) -> None:
    answer = await put(system, "refused", policy(**changes), publish=True)
    if pointer is None:
        assert answer.status_code in {200, 422}
        return
    assert answer.status_code == 422, answer.text
    assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"]), answer.text


@pytest.mark.parametrize("id_", ["我们", "a b", "x" * 65, "-x"])
async def test_an_id_that_is_no_code_is_refused(system: System, id_: str) -> None:
    assert (await put(system, id_, policy(), publish=False)).status_code == 422
    answer = await system.call("PUT", f"/v1/calendars/{id_}", {"time_zone": "UTC"}, by="孙磊")
    assert answer.json()["errors"][0]["pointer"] == "/calendar_id"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/time_zone"),
        ({"time_zone": "Mars/Base"}, "/time_zone"),
        ({"time_zone": "UTC", "hours": {"mon": {"18:00": "09:00"}}}, "/hours/mon"),
        ({"time_zone": "UTC", "hours": {"someday": {}}}, "/hours/someday"),
        ({"time_zone": "UTC", "holidays": ["2026-02-30"]}, "/holidays/0"),
    ],
)
async def test_an_impossible_calendar_is_refused_where_it_is_wrong(
    system: System, body: dict[str, Any], pointer: str
) -> None:
    answer = await system.call("PUT", "/v1/calendars/refused", body, by="孙磊")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert (await system.call("GET", "/v1/calendars/refused")).status_code == 404


async def test_policies_and_calendars_are_paged(system: System) -> None:
    await put(system, f"trial-{next(_ids)}", policy(), publish=False)
    for path in ("/v1/policies", "/v1/calendars"):
        whole = [item["id"] for item in (await system.get(path, limit=200))["items"]]
        first = await system.get(path, limit=1)
        assert [item["id"] for item in first["items"]] == whole[:1]
        assert (await system.get(path, limit=200, cursor=first["next_cursor"]))["items"][0]["id"] == whole[1]
        assert (await system.call("GET", f"{path}/none")).status_code == 404


async def test_the_calculator_answers_add_subtract_and_between(system: System) -> None:
    answer = await system.call("POST", "/v1/calendars/evaluate", ASKED)
    assert answer.json() == {
        "results": [{"at": "2026-09-28T03:30:00Z"}, {"at": "2026-09-28T08:00:00Z"}, {"seconds": 59400}]
    }


async def test_the_calculator_answers_the_example_of_the_specification(system: System) -> None:
    asked = {
        "calendar": ASKED["calendar"],
        "checks": [
            {"op": "add", "at": "2026-09-30T09:30:00Z", "duration": "PT2WH"},
            {"op": "subtract", "at": "2026-09-30T09:30:00Z", "duration": "PT90M"},
            {"op": "between", "at": "2026-09-28T01:00:00Z", "until": "2026-09-30T09:00:00Z"},
        ],
    }
    answer = await system.call("POST", "/v1/calendars/evaluate", asked)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "results": [{"at": "2026-10-05T03:00:00Z"}, {"at": "2026-09-29T08:30:00Z"}, {"seconds": 59400}]
    }


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"checks": ASKED["checks"][:1] * 1001}, "validation_failed", "/checks"),
        ({"checks": [{"op": "add", "at": "2026-09-30T09:30:00Z"}]}, "validation_failed", "/checks/0"),
        ({"checks": [{"op": "double", "at": "2026-09-30T09:30:00Z"}]}, "validation_failed", "/checks/0"),
        ({"checks": [{"op": "between", "at": "2026-09-30T09:30:00Z", "until": "2026-09-30T09:29:59Z"}]},
         "validation_failed", "/checks/0/until"),
        ({"calendar": {"time_zone": "UTC"}}, "calendar_exhausted", "/checks/0"),
        ({"calendar": {"time_zone": "UTC", "hours": {"mon": {"22:00": "02:00"}}}}, "validation_failed",
         "/calendar/hours/mon"),
        ({"calendar": None, "calendar_id": "nowhere"}, "validation_failed", "/calendar_id"),
        ({"calendar_id": "cn"}, "validation_failed", ""),
    ],
)  # fmt: skip
async def test_a_question_without_an_answer_is_refused_where_it_is_wrong(
    system: System, changes: dict[str, Any], code: str, pointer: str
) -> None:
    body = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    answer = await system.call("POST", "/v1/calendars/evaluate", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


async def test_a_thousand_checks_are_answered_and_a_stored_calendar_is_asked_by_its_id(system: System) -> None:
    checks = [{"op": "add", "at": "2026-09-30T09:30:00Z", "duration": f"PT{n}WM"} for n in range(1000)]
    answer = await system.call("POST", "/v1/calendars/evaluate", {"calendar_id": "cn", "checks": checks})
    assert len(answer.json()["results"]) == 1000
    assert answer.json()["results"][0] == {"at": "2026-09-30T09:30:00Z"}


async def test_the_calculator_replays_under_a_key(system: System) -> None:
    for replayed in ("", "true"):
        answer = await system.call("POST", "/v1/calendars/evaluate", ASKED, Idempotency_Key="calc")
        assert answer.headers.get("Idempotent-Replay", "") == replayed
