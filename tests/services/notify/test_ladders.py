"""Ladders over the public API: versions, what is refused and where, and who would be told when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import yaml

from services.contracts.vocabulary import Urgency
from services.notify.ladders.ladders import BUILT_IN
from tests.services.system import OWN, System, until

DEFAULT: dict[str, Any] = yaml.safe_load(BUILT_IN.read_text(encoding="utf-8"))["default"]
MINUTE = timedelta(minutes=1)


async def put(system: System, id_: str, ladder: Any, *, by: str = "admin", **headers: str) -> httpx.Response:
    return await system.call("PUT", f"/v1/ladders/{id_}", ladder, by=by, **headers)


async def put_yaml(system: System, id_: str, text: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {system.tokens['admin']}", "Content-Type": "application/yaml"}
    return await system.http.put(f"/v1/ladders/{id_}", content=text.encode(), headers=headers)


async def test_the_built_in_ladder_is_version_0_and_written_as_people_write_it(system: System) -> None:
    shown = await system.get("/v1/ladders/default?version=0")
    assert (shown["version"], shown["created_by"], shown["title"]["en"]) == (0, None, "Standard ladder")
    assert shown["breach"] == DEFAULT["breach"]
    assert "default" in [each["id"] for each in (await system.get("/v1/ladders"))["items"]]


async def test_a_ladder_is_stored_in_versions_and_what_is_in_use_is_not_stored_again(system: System) -> None:
    first = await put(system, "versions", DEFAULT)
    assert (first.status_code, first.headers["ETag"], first.json()["version"]) == (200, '"1"', 1)
    assert (await put(system, "versions", DEFAULT)).json()["version"] == 1
    second = await put(system, "versions", {**first.json(), "title": {"en": "Second"}}, If_Match='"1"')
    assert second.json()["version"] == 2
    assert (await put(system, "versions", DEFAULT, If_Match='"1"')).status_code == 412
    listed = (await system.get("/v1/ladders/versions/versions"))["items"]
    assert [each["version"] for each in listed] == [2, 1]
    assert {each["created_by"] is not None for each in listed} == {True}
    first_page = await system.get("/v1/ladders/versions/versions?limit=1")
    second_page = await system.get(f"/v1/ladders/versions/versions?limit=1&cursor={first_page['next_cursor']}")
    assert [each["version"] for each in first_page["items"] + second_page["items"]] == [2, 1]
    assert second_page["next_cursor"] is None
    assert (await system.get("/v1/ladders/versions?version=1"))["title"] == first.json()["title"]
    assert (await system.call("GET", "/v1/ladders/versions?version=3")).status_code == 404
    assert (await system.call("GET", "/v1/ladders/no-such-ladder")).status_code == 404


async def test_a_ladder_may_be_written_as_yaml(system: System) -> None:
    stored = await put_yaml(system, "as-yaml", yaml.safe_dump(DEFAULT, allow_unicode=True))
    assert stored.status_code == 200, stored.text
    assert stored.json()["breach"] == DEFAULT["breach"]


@pytest.mark.parametrize(
    ("wrong", "pointer", "line"),
    [
        ("response: [owner or boss, on_call]", "/breach/steps/response/0", 7),
        ("response: [admin]", "/breach/steps/response/0", 7),
        ("response: []", "/breach/steps/response", 7),
        ("acceptance: [clerks, owner]", "/breach/steps/acceptance/1", 6),
    ],
)
async def test_what_is_wrong_with_a_ladder_is_told_by_pointer_and_line(
    system: System, wrong: str, pointer: str, line: int
) -> None:
    steps = {clock: f"{clock}: [supervisor]" for clock in DEFAULT["breach"]["steps"]}
    steps[wrong.split(":", maxsplit=1)[0]] = wrong
    text = "\n".join(
        [
            "breach:",
            '  pause: {urgent: PT5M, "*": PT15M}',
            "  rounds: 3",
            "  acknowledged_for: PT4H",
            "  steps:",
            *(f"    {step}" for step in (steps.pop("acceptance"), steps.pop("response"), *steps.values())),
            'low_rating: {pause: {"*": PT8H}, rounds: 3, acknowledged_for: PT24H, steps: {low_rating: [supervisor]}}',
        ]
    )
    refused = await put_yaml(system, "wrong", text)
    assert refused.status_code == 422, refused.text
    assert [(each["pointer"], each["line"]) for each in refused.json()["errors"]] == [(pointer, line)]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"pause": {"urgent": "PT5M"}}, "/breach/pause"),
        ({"rounds": 0}, "/breach/rounds"),
        ({"rounds": 101}, "/breach/rounds"),
        ({"acknowledged_for": "P1WD"}, "/breach/acknowledged_for"),
        ({"steps": {"progress": ["owner"]}}, "/breach/steps/acceptance"),
    ],
)
async def test_a_ladder_without_pause_bounds_or_steps_is_refused(
    system: System, change: dict[str, Any], pointer: str
) -> None:
    refused = await put(system, "wrong", {**DEFAULT, "breach": {**DEFAULT["breach"], **change}})
    assert refused.status_code == 422, refused.text
    assert pointer in [each["pointer"] for each in refused.json()["errors"]]


async def test_other_services_ask_which_ladders_there_are(system: System) -> None:
    await put(system, "named", DEFAULT)
    headers = {"Authorization": "Bearer between-services"}
    answer = await system.http.get(f"{system.internal}/internal/ladders", headers=headers)
    items = {each["id"]: each["version"] for each in answer.json()["items"]}
    assert (items["default"], items["named"]) == (0, 1)


async def plan(system: System, id_: str = "default", *, by: str = "李雷", **asked: str) -> dict[str, Any]:
    found: dict[str, Any] = await system.get(f"/v1/ladders/{id_}/plan", by=by, **asked)
    return found


async def test_a_plan_names_who_is_told_when_of_an_alert_that_nobody_answers(system: System) -> None:
    at = "2026-11-20T02:00:00Z"
    shown = await plan(system, clock="response", urgency="urgent", department=OWN, at=at)
    assert [(each["round"], each["level"]) for each in shown["items"]] == [
        (round_, level) for round_ in (1, 2, 3) for level in (1, 2, 3, 4)
    ]
    first, second, third, fourth = shown["items"][:4]
    assert (first["after"], first["at"], first["rungs"]) == ("PT0S", at, [["owner", "clerks"]])
    assert first["told"] == [{"staff": None, "name": None, "rung": "owner", "waits_until": None}]
    assert [each["after"] for each in shown["items"][1:4]] == ["PT5M", "PT10M", "PT15M"]
    assert {each["rung"] for each in second["told"]} == {"on_call"}
    assert "周强" in [each["name"] for each in third["told"]]
    assert "王芳" in [each["name"] for each in fourth["told"]]
    assert (shown["ladder"], shown["rounds"], shown["acknowledged_for"], shown["ends_after"], shown["truncated"]) == (
        "default", 3, "PT4H", "PT1H", False,
    )  # fmt: skip


async def test_a_plan_of_an_acceptance_begins_with_the_clerks(system: System) -> None:
    first = (await plan(system, clock="acceptance", department=OWN))["items"][0]
    assert "李雷" in [each["name"] for each in first["told"]]
    named = (await plan(system, clock="response", owner=system.ids["林涛"]))["items"][0]
    assert named["told"] == [{"staff": system.ids["林涛"], "name": "林涛", "rung": "owner", "waits_until": None}]


async def test_a_plan_waits_for_hours_as_an_alert_would(system: System) -> None:
    night, morning = "2026-11-20T14:00:00Z", "2026-11-23T01:00:00Z"
    hours = {day: {"09:00": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri")}
    change = {"hours": hours, "time_zone": "Asia/Shanghai"}
    path = f"/v1/staff/{system.ids['林涛']}"
    assert (await system.call("PATCH", path, change, by="admin")).status_code == 200
    try:
        asked = {"clock": "response", "owner": system.ids["林涛"], "department": OWN, "at": night}
        first = (await plan(system, urgency="normal", calendar="always", **asked))["items"][0]
        assert (first["level"], first["after"], first["note"]) == (2, "PT15M", "steps_passed_over")
        first = (await plan(system, urgency="normal", **asked))["items"][0]
        assert (first["at"], first["level"], first["note"]) == (morning, 1, "waited_for_hours")
        assert (await plan(system, urgency="urgent", **asked))["items"][0]["level"] == 1
        warned = (await plan(system, threshold="warning", **asked))["items"]
        assert [(each["at"], each["note"]) for each in warned] == [(morning, "waited_for_hours")]
    finally:
        await system.call("PATCH", path, {"hours": None, "time_zone": None}, by="admin")


async def test_a_plan_waits_for_the_calendar_by_which_the_ticket_is_promised(system: System) -> None:
    """Friday 17:55 in China, with nobody's hours set: who is first is told at once, the others on Monday."""
    asked = {"clock": "progress", "department": OWN, "at": "2026-11-20T09:55:00Z"}
    shown = await plan(system, **asked)
    assert shown["calendar"] == "cn"
    assert [each["at"] for each in shown["items"][:3]] == [
        "2026-11-20T09:55:00Z", "2026-11-23T01:00:00Z", "2026-11-23T01:15:00Z",
    ]  # fmt: skip
    assert shown["items"][1]["note"] == "waited_for_hours"
    around_the_clock = await plan(system, calendar="always", **asked)
    assert around_the_clock["items"][1]["after"] == "PT15M"
    answer = await system.call("GET", f"/v1/ladders/default/plan?{httpx.QueryParams({**asked, 'calendar': 'moon'})}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_calendar")


@pytest.mark.parametrize("asked", [{}, {"threshold": "low_rating", "clock": "response"}, {"clock": "tea"}])
async def test_a_plan_of_no_alert_is_refused(system: System, asked: dict[str, str]) -> None:
    answer = await system.call("GET", f"/v1/ladders/default/plan?{httpx.QueryParams(asked)}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/clock")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
async def test_a_plan_at_the_ends_of_time_is_refused(system: System, at: str) -> None:
    asked = httpx.QueryParams({"clock": "response", "at": at})
    answer = await system.call("GET", f"/v1/ladders/default/plan?{asked}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/at")


@pytest.mark.parametrize("at", ["2000-01-01T00:00:00Z", "9000-01-01T00:00:00Z"])
async def test_a_plan_near_the_ends_of_time_is_made(system: System, at: str) -> None:
    for urgency in Urgency:
        assert (await plan(system, clock="response", urgency=urgency, at=at))["items"]


async def test_only_administrators_write_ladders_and_quiet_hours(system: System) -> None:
    assert (await put(system, "mine", DEFAULT, by="王芳")).status_code == 403
    assert (await system.call("PUT", "/v1/quiet-hours", {}, by="王芳")).status_code == 403
    assert (await system.call("GET", "/v1/quiet-hours", by="王芳")).status_code == 200


async def test_quiet_hours_are_set_shown_and_taken_away(system: System) -> None:
    before = (await system.get("/v1/quiet-hours"))["version"]
    now = datetime.now(UTC)
    # Not now: the other tests of this system send notices.
    span = {"from": f"{now + 120 * MINUTE:%H:%M}", "to": f"{now + 180 * MINUTE:%H:%M}", "time_zone": "UTC"}
    stored = await system.call("PUT", "/v1/quiet-hours", {"customer": span, "staff": None}, by="admin")
    assert stored.status_code == 200, stored.text
    shown = await system.get("/v1/quiet-hours")
    assert (shown["customer"], shown["staff"], shown["version"]) == (span, None, before + 1)
    assert shown["updated_by"] is not None
    stale = await system.call("PUT", "/v1/quiet-hours", {}, by="admin", If_Match=f'"{before}"')
    assert stale.status_code == 412
    gone = await system.call("PUT", "/v1/quiet-hours", {**shown, "customer": None}, by="admin")
    assert (gone.json()["customer"], gone.json()["version"]) == (None, before + 2)
    wrong = await system.call("PUT", "/v1/quiet-hours", {"staff": {**span, "to": "25:00"}}, by="admin")
    assert [each["pointer"] for each in wrong.json()["errors"]] == ["/staff/to"]


async def test_an_alert_shows_the_ladder_that_it_climbs(system: System) -> None:
    policy = {
        "calendar": "always",
        "applies": [{"channel": ["chat"]}],
        "clocks": {"acceptance": {"target": "PT0.2S", "warn_at": []}},
    }
    assert (await system.call("PUT", "/v1/policies/laddered?publish=true", policy, by="admin")).status_code == 200
    ticket_no, found = await system.register(channel="chat"), list[dict[str, Any]]()

    async def is_raised() -> bool:
        items = (await system.get("/v1/alerts", by="郑洁", ticket_no=ticket_no))["items"]
        found.extend(items)
        return bool(items)

    await until(is_raised, 30)
    ladder = found[0]["ladder"]
    assert (ladder["id"], ladder["missing"], found[0]["waits_from"]) == ("default", None, None)
