"""Alerts over the public API: who sees them, who is told next, and what people can do with them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.contracts.base import format_instant
from services.contracts.directory import Scope
from tests.services.system import OTHER, OWN, System, alerted, until

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
async def promise(system: System) -> None:
    """Tickets from the app are to be accepted within the second in which they come."""
    policy = {
        "calendar": "always",
        "applies": [{"channel": ["app"]}],
        "clocks": {"acceptance": {"target": "PT0.2S", "warn_at": []}},
    }
    answer = await system.call("PUT", "/v1/policies/alerted?publish=true", policy, by="admin")
    assert answer.status_code == 200, answer.text


async def breached(system: System, **changes: Any) -> dict[str, Any]:
    """An alert of which 李雷 has just been told: nobody accepted the ticket in time."""
    ticket_no, found = await system.register(channel="app", **changes), list[dict[str, Any]]()

    async def is_told() -> bool:
        items = (await system.get("/v1/alerts", by="郑洁", ticket_no=ticket_no))["items"]
        found.extend(alert for alert in items if alert["told"] and alert["level"])
        return bool(found)

    await until(is_told, 30)
    return found[0]


async def answer(
    system: System, alert: dict[str, Any], what: str, body: Any = None, *, by: str = "李雷", **headers: str
) -> httpx.Response:
    return await system.call("POST", f"/v1/alerts/{alert['id']}/{what}", body or {}, by=by, **headers)


async def test_a_missed_acceptance_alerts_the_clerks_of_the_department(system: System) -> None:
    alert = await breached(system)
    assert (alert["clock"], alert["threshold"], alert["state"], alert["level"]) == ("acceptance", "breach", "open", 1)
    assert alert["due_at"] < alert["raised_at"]
    assert system.ids["李雷"] in [told["staff"] for told in alert["told"]]
    assert system.ids["钱进"] not in [told["staff"] for told in alert["told"]]
    assert {told["rung"] for told in alert["told"]} == {"clerks"}


async def test_an_alert_says_who_is_told_next_and_when(system: System) -> None:
    alert = await breached(system)
    assert alert["next"]["rungs"] == ["supervisor"]
    assert system.ids["王芳"] in alert["next"]["staff"]
    assert system.ids["何洁"] not in alert["next"]["staff"]
    ahead = datetime.fromisoformat(alert["next"]["at"]) - datetime.now(UTC)
    assert timedelta(0) < ahead < 15 * MINUTE


async def test_the_told_get_a_notice_in_the_console(system: System) -> None:
    alert = await breached(system)

    async def is_sent() -> bool:
        page = await system.get("/v1/notices", by="李雷", ticket_no=alert["ticket_no"], mine=True, kind="breach")
        return [notice["state"] for notice in page["items"]] == ["sent"]

    await until(is_sent, 30)
    shown = await system.get(f"/v1/alerts/{alert['id']}")
    mine = next(told for told in shown["told"] if told["staff"] == system.ids["李雷"])
    assert (mine["state"], mine["channel"]) == ("sent", "inbox")


async def test_an_acknowledgement_is_shown_with_its_end_and_enters_the_journal(system: System) -> None:
    alert = await breached(system)
    taken = await answer(system, alert, "acknowledge")
    assert taken.status_code == 200, taken.text
    view = taken.json()
    assert (view["state"], view["acknowledged_by"]) == ("acknowledged", system.ids["李雷"])
    held = datetime.fromisoformat(view["expires_at"]) - datetime.fromisoformat(view["acknowledged_at"])
    assert held == 4 * HOUR
    assert view["next"]["at"] == view["expires_at"]
    assert taken.headers["ETag"] == f'"{view["version"]}"'

    async def is_entered() -> bool:
        timeline = (await system.get(f"/v1/tickets/{alert['ticket_no']}/timeline"))["items"]
        said = [event["type"] for event in timeline if event["type"].startswith("alert.")]
        return said == ["alert.raised", "alert.acknowledged"]

    await until(is_entered, 30)


async def test_accepting_the_ticket_ends_the_alert_by_itself(system: System) -> None:
    alert = await breached(system)
    await system.do(alert["ticket_no"], "accept", by="李雷")

    async def is_resolved() -> bool:
        return bool((await system.get(f"/v1/alerts/{alert['id']}"))["state"] == "resolved")

    await until(is_resolved, 30)
    view = await system.get(f"/v1/alerts/{alert['id']}")
    assert (view["resolution"], view["next"], view["allowed"]) == ("clock_ended", None, [])


async def test_an_alert_in_force_offers_every_answer_to_those_who_may_answer(system: System) -> None:
    alert = await breached(system)
    path = f"/v1/alerts/{alert['id']}"
    offered = ["acknowledge", "snooze", "hand-over", "resolve"]
    assert (await system.get(path, by="李雷"))["allowed"] == offered
    assert (await system.get(path, by="吴刚"))["allowed"] == []


async def test_a_snooze_needs_an_instant_in_the_next_seven_days(system: System) -> None:
    alert = await breached(system)
    now = datetime.now(UTC)
    for until_, code in ((now - MINUTE, "not_in_the_future"), (now + 7 * DAY + MINUTE, "too_far")):
        refused = await answer(system, alert, "snooze", {"until": format_instant(until_)})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
        assert refused.json()["errors"][0]["pointer"] == "/until"
    for body in ({}, {"until": None}, {"until": "2027-01-01T09:00:00"}, {"until": "tomorrow"}, {"until": 1}):
        assert (await answer(system, alert, "snooze", body)).status_code == 422, body
    rested = await answer(system, alert, "snooze", {"until": format_instant(now + HOUR)})
    assert (rested.json()["state"], rested.json()["snoozed_until"]) == ("snoozed", format_instant(now + HOUR))


async def test_an_alert_is_resolved_with_or_without_a_note_and_then_answers_nothing_more(system: System) -> None:
    for body in ({}, {"note": "已电话联系客户"}):
        alert = await breached(system)
        ended = await answer(system, alert, "resolve", body)
        assert (ended.status_code, ended.json()["state"]) == (200, "resolved")
        assert (ended.json()["resolution"], ended.json()["resolved_by"]) == ("by_person", system.ids["李雷"])
        assert ended.json()["resolution_note"] == body.get("note")
        assert (await system.get(f"/v1/alerts/{alert['id']}", by="吴刚"))["resolution_note"] is None
        for what in ("acknowledge", "resolve"):
            again = await answer(system, alert, what)
            assert (again.status_code, again.json()["code"], again.json()["allowed"]) == (
                409, "illegal_transition", [],
            )  # fmt: skip


async def test_an_alert_is_handed_over_to_a_colleague_who_may_answer_it(system: System) -> None:
    alert = await breached(system)
    for somebody, code in ((system.ids["赵敏"], "may_not_answer"), (system.ids["吴刚"], "may_not_answer"),
                           ("nobody", "unknown_staff")):  # fmt: skip
        refused = await answer(system, alert, "hand-over", {"staff": somebody})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
    given = (await answer(system, alert, "hand-over", {"staff": system.ids["林涛"]})).json()
    assert (given["state"], given["handed_to"], given["told"][-1]["staff"]) == (
        "open", system.ids["林涛"], system.ids["林涛"],
    )  # fmt: skip
    mine = await system.get("/v1/alerts", by="林涛", mine=True)
    assert alert["id"] in [each["id"] for each in mine["items"]]


async def test_an_alert_is_handed_to_nobody_whom_the_complaint_is_about(system: System) -> None:
    alert = await breached(system, kind="complaint", complaint_about="林涛")
    refused = await answer(system, alert, "hand-over", {"staff": system.ids["林涛"]})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "may_not_answer")
    assert (await answer(system, alert, "hand-over", {"staff": system.ids["周强"]})).status_code == 200


async def test_a_repeat_under_a_key_gets_the_first_answer_and_changes_nothing(system: System) -> None:
    alert = await breached(system)
    first = await answer(system, alert, "acknowledge", Idempotency_Key="k")
    again = await answer(system, alert, "acknowledge", Idempotency_Key="k")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replay"] == "true"


async def test_an_answer_to_an_alert_that_has_changed_is_refused_where_a_version_is_named(system: System) -> None:
    alert = await breached(system)
    await answer(system, alert, "acknowledge")
    stale = await answer(system, alert, "resolve", If_Match=f'"{alert["version"]}"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    current = stale.json()["version"]
    assert (await answer(system, alert, "resolve", If_Match=f'"{current}"')).status_code == 200


async def test_of_many_answers_at_once_each_finds_a_whole_alert(system: System) -> None:
    alert = await breached(system)
    path = f"/v1/alerts/{alert['id']}/acknowledge"
    answers = await asyncio.gather(*(system.insist(path, {}, by=by) for by in ("李雷", "王芳") * 5))
    assert {each.status_code for each in answers} == {200}
    versions = [each.json()["version"] for each in answers]
    assert len(set(versions)) == len(versions)


async def test_unknown_fields_are_refused(system: System) -> None:
    alert = await breached(system)
    for what in ("acknowledge", "snooze", "hand-over", "resolve"):
        refused = await answer(system, alert, what, {"surprise": 1})
        assert refused.status_code == 422, what
        assert "/surprise" in [error["pointer"] for error in refused.json()["errors"]]


async def test_another_department_neither_sees_nor_answers(system: System) -> None:
    alert = await breached(system)
    for by in ("赵敏", "钱进", "许晴", "何洁", "高原"):
        assert (await system.call("GET", f"/v1/alerts/{alert['id']}", by=by)).status_code == 403
        listed = await system.get("/v1/alerts", by=by, ticket_no=alert["ticket_no"])
        assert listed["items"] == []
    for by in ("赵敏", "钱进"):
        for what in ("acknowledge", "snooze", "hand-over", "resolve"):
            assert (await answer(system, alert, what, {"surprise": 1}, by=by)).status_code == 403
    assert (await system.call("GET", "/v1/alerts/nothing", by="赵敏")).status_code == 404


async def test_a_key_sees_its_department_and_answers_only_with_the_scope(system: System) -> None:
    alert = await breached(system)
    reader = await system.issue_key("alert reader", Scope.ALERTS_READ, department=OWN)
    stranger = await system.issue_key("alert stranger", Scope.ALERTS_READ, Scope.ALERTS_WRITE, department=OTHER)
    assert (await system.call("GET", f"/v1/alerts/{alert['id']}", by=reader)).status_code == 200
    assert (await answer(system, alert, "acknowledge", by=reader)).status_code == 403
    assert (await answer(system, alert, "acknowledge", by=stranger)).status_code == 403


async def test_the_list_is_filtered_ordered_and_paged(system: System) -> None:
    alerts = [await breached(system) for _ in range(3)]
    await answer(system, alerts[0], "acknowledge")
    ids = {alert["id"] for alert in alerts}

    async def listed(**filters: Any) -> list[str]:
        page = await system.get("/v1/alerts", by="李雷", limit=200, **filters)
        return [alert["id"] for alert in page["items"] if alert["id"] in ids]

    newest_first = [alert["id"] for alert in sorted(alerts, key=lambda it: it["raised_at"], reverse=True)]
    assert await listed() == newest_first
    assert await listed(state="acknowledged") == [alerts[0]["id"]]
    assert await listed(clock="acceptance", threshold="breach") == newest_first
    assert await listed(clock="plan") == []
    assert await listed(threshold="warning") == []
    assert await listed(department=OWN) == newest_first
    assert await listed(department=OTHER) == []
    assert set(await listed(mine=True)) == ids
    walked: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await system.get("/v1/alerts", by="李雷", limit=2, **cursor)
        walked += [alert["id"] for alert in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [each for each in walked if each in ids] == newest_first
    assert len(walked) == len(set(walked))
    for wrong in ({"cursor": "x"}, {"state": "gone"}, {"limit": 0}, {"surprise": 1}):
        query = str(httpx.QueryParams(wrong))
        assert (await system.call("GET", f"/v1/alerts?{query}")).status_code == 422, wrong


async def test_a_low_rating_alerts_the_supervisors_for_a_day(system: System) -> None:
    ticket_no = await system.closed()
    alert_id = await alerted(system, ticket_no)
    assert await alerted(system, ticket_no) == alert_id

    async def is_told() -> bool:
        return bool((await system.get(f"/v1/alerts/{alert_id}", by="王芳"))["told"])

    await until(is_told, 30)
    alert = await system.get(f"/v1/alerts/{alert_id}", by="王芳")
    assert (alert["threshold"], alert["clock"]) == ("low_rating", None)
    assert system.ids["王芳"] in [told["staff"] for told in alert["told"]]
    assert (await answer(system, alert, "resolve", {"note": "已致歉"}, by="王芳")).status_code == 200


async def test_alerts_hold_no_contact(system: System) -> None:
    alert = await breached(system, customer={"name": "金丝雀", "phone": "+8613900008888"})
    shown = await system.call("GET", f"/v1/alerts/{alert['id']}")
    assert "金丝雀" not in shown.text
    assert "13900008888" not in shown.text
