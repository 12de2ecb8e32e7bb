"""Hours in which people are reached: their own, their department's calendar, their shifts (semantics.md 23)."""

from typing import Any

import pytest

from tests.services.directory.harness import DirectoryHarness

OFFICE = {"mon": {"09:00": "12:00", "13:30": "18:00"}, "fri": {"09:00": "18:00"}}
EIGHT = "2026-11-20T08:00:00Z"
NINE, NOON, SIX = "2026-11-20T09:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T18:00:00Z"


@pytest.fixture
async def clerk(harness: DirectoryHarness) -> dict[str, Any]:
    await harness.make("departments", {"id": "repairs", "name": "维修部", "calendar": "cn"})
    return await harness.hire("lilei", "李雷", "clerk", department="repairs")


async def change(harness: DirectoryHarness, clerk: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
    answer = await harness.call("PATCH", f"/v1/staff/{clerk['id']}", body)
    return answer.status_code, answer.json()


async def test_own_hours_are_kept_in_their_zone_shown_and_taken_away(
    harness: DirectoryHarness, clerk: dict[str, Any]
) -> None:
    assert (clerk["hours"], clerk["time_zone"]) == (None, None)
    status, shown = await change(harness, clerk, {"hours": OFFICE, "time_zone": "Asia/Shanghai"})
    assert (status, shown["hours"], shown["time_zone"]) == (200, OFFICE, "Asia/Shanghai")
    status, shown = await change(harness, clerk, {"hours": None, "time_zone": None})
    assert (status, shown["hours"], shown["time_zone"]) == (200, None, None)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"hours": OFFICE}, "/time_zone"),
        ({"time_zone": "Asia/Shanghai"}, "/hours"),
        ({"hours": {}, "time_zone": "Asia/Shanghai"}, "/hours"),
        ({"hours": {"mon": {}}, "time_zone": "Asia/Shanghai"}, "/hours"),
        ({"hours": {"mon": {"18:00": "09:00"}}, "time_zone": "Asia/Shanghai"}, "/hours/mon/18:00"),
        ({"hours": {"mon": {"9:00": "18:00"}}, "time_zone": "Asia/Shanghai"}, "/hours/mon/9:00"),
        ({"hours": OFFICE, "time_zone": "Mars/Olympus"}, "/time_zone"),
    ],
)
async def test_hours_that_cannot_be_kept_are_refused(
    harness: DirectoryHarness, clerk: dict[str, Any], body: dict[str, Any], pointer: str
) -> None:
    status, problem = await change(harness, clerk, body)
    assert (status, [each["pointer"] for each in problem["errors"]]) == (422, [pointer])


async def test_a_department_names_its_calendar(harness: DirectoryHarness, clerk: dict[str, Any]) -> None:
    assert clerk["department"] == "repairs"
    assert (await harness.call("GET", "/v1/departments/repairs")).json()["calendar"] == "cn"
    changed = await harness.call("PATCH", "/v1/departments/repairs", {"calendar": None})
    assert changed.json()["calendar"] is None


async def asked(harness: DirectoryHarness, at: str, **more: Any) -> dict[str, Any]:
    item = {"rung": "clerks", "department": "repairs", "at": at}
    answer = await harness.ask("POST", "/internal/recipients", {"items": [item], "hours_at": at, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_hours_are_told_of_whoever_is_found_and_of_those_asked_for(
    harness: DirectoryHarness, clerk: dict[str, Any]
) -> None:
    owner = await harness.hire("lintao", "林涛", "handler", department="repairs")
    await change(harness, clerk, {"hours": OFFICE, "time_zone": "Asia/Shanghai"})
    told = await asked(harness, NOON, also=[owner["id"]])
    assert told["items"] == [[clerk["id"]]]
    by_staff = {each["staff"]: each for each in told["hours"]}
    assert by_staff == {
        clerk["id"]: {"staff": clerk["id"], "on_shift": False, "shifts": [], "hours": OFFICE,
                      "time_zone": "Asia/Shanghai", "calendar": "cn"},
        owner["id"]: {"staff": owner["id"], "on_shift": False, "shifts": [], "hours": None, "time_zone": None,
                      "calendar": "cn"},
    }  # fmt: skip
    assert (await asked(harness, NOON))["generation"] == told["generation"] > 0


async def test_a_shift_is_told_while_it_lasts_and_before_it_begins(
    harness: DirectoryHarness, clerk: dict[str, Any]
) -> None:
    await harness.make("on-call", {"staff": clerk["id"], "department": "repairs", "from_at": NINE, "to_at": SIX})
    for at, on_shift, next_shift_at in (
        ("2026-11-20T08:59:59Z", False, NINE), (NINE, True, None), ("2026-11-20T17:59:59Z", True, None),
        (SIX, False, None),
    ):  # fmt: skip
        told = await asked(harness, at)
        assert ([each["on_shift"] for each in told["hours"]], told["next_shift_at"]) == ([on_shift], next_shift_at), at


async def test_shifts_that_last_when_somebody_is_to_be_found_are_told_now(
    harness: DirectoryHarness, clerk: dict[str, Any]
) -> None:
    await harness.make("on-call", {"staff": clerk["id"], "department": "repairs", "from_at": NINE, "to_at": SIX})
    for at, shifts in ((EIGHT, []), (NINE, [[NINE, SIX]]), (NOON, [[NINE, SIX]])):
        item = {"rung": "clerks", "department": "repairs", "at": at}
        told = (await harness.ask("POST", "/internal/recipients", {"items": [item], "hours_at": EIGHT})).json()
        assert [(each["on_shift"], each["shifts"]) for each in told["hours"]] == [(False, shifts)], at


async def test_whoever_asks_for_no_hours_is_told_none(harness: DirectoryHarness, clerk: dict[str, Any]) -> None:
    item = {"rung": "clerks", "department": "repairs", "at": NOON}
    told = (await harness.ask("POST", "/internal/recipients", {"items": [item]})).json()
    assert told == {"items": [[clerk["id"]]], "hours": [], "next_shift_at": None, "generation": 0, "present": []}
