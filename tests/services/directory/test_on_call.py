"""Shifts, who is found on a rung, and how staff are reached."""

from typing import Any

import pytest

from services.contracts.directory import Scope
from tests.services.directory.harness import PASSWORD, DirectoryHarness

NINE, NOON, SIX = "2026-11-20T09:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T18:00:00Z"
ELSE = "logistics"


@pytest.fixture
async def crew(harness: DirectoryHarness) -> dict[str, str]:
    """The ids of a service centre's people: 赵敏 and 钱进 are of logistics, 王芳 serves the whole centre."""
    await harness.make("departments", {"id": "repairs", "name": "维修部"})
    await harness.make("departments", {"id": ELSE, "name": "物流部"})
    people = {
        "lilei": ("李雷", "clerk", "repairs"),
        "lintao": ("林涛", "handler", "repairs"),
        "zhouqiang": ("周强", "department_head", "repairs"),
        "zhaomin": ("赵敏", "handler", ELSE),
        "qianjin": ("钱进", "clerk", ELSE),
        "wangfang": ("王芳", "supervisor", None),
        "wugang": ("吴刚", "manager", None),
    }
    made = {}
    for username, (name, role, department) in people.items():
        member = {"username": username, "name": name, "roles": [role], "department": department}
        made[username] = (await harness.make("staff", member))["id"]
    return {**made, "admin": await admin_id(harness)}


async def signed_in(harness: DirectoryHarness, crew: dict[str, str], username: str) -> str:
    """A token of somebody who gets a password first."""
    await harness.call("PATCH", f"/v1/staff/{crew[username]}", {"password": PASSWORD})
    return await harness.sign_in(username)


def shift(staff: str, from_at: str = NINE, to_at: str = SIX, department: str | None = "repairs") -> dict[str, Any]:
    return {"staff": staff, "from_at": from_at, "to_at": to_at, "department": department}


def supervisors(crew: dict[str, str]) -> list[str]:
    """The first administrator is a supervisor of the whole centre too."""
    return [crew["admin"], crew["wangfang"]]


async def found(harness: DirectoryHarness, rung: str, department: str | None = "repairs", at: str = NOON) -> list[str]:
    body = {"items": [{"rung": rung, "department": department, "at": at}]}
    answer = await harness.ask("POST", "/internal/recipients", body)
    assert answer.status_code == 200, answer.text
    ids: list[str] = answer.json()["items"][0]
    return ids


async def test_a_shift_is_made_shown_changed_and_taken_away(harness: DirectoryHarness, crew: dict[str, str]) -> None:
    made = await harness.make("on-call", shift(crew["lintao"]))
    assert made.items() >= shift(crew["lintao"]).items()
    path = f"/v1/on-call/{made['id']}"
    assert (await harness.call("GET", path)).json() == made
    changed = (await harness.call("PATCH", path, {"to_at": NOON})).json()
    assert changed == made | {"to_at": NOON}
    assert (await harness.call("DELETE", path)).json() == changed
    assert (await harness.call("GET", path)).status_code == 404
    assert (await harness.call("DELETE", path)).status_code == 404


async def test_a_shift_ends_after_it_begins_and_is_somebody_s_who_can_answer(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    wrong = {
        "/to_at": (shift(crew["lintao"], NINE, NINE), "not_after_beginning"),
        "/staff": (shift("nobody"), "unknown_staff"),
        "/staff ": (shift(crew["wugang"]), "may_not_answer"),
        "/staff  ": (shift(crew["zhaomin"]), "other_department"),
        "/department": (shift(crew["lintao"], department="nowhere"), "unknown_department"),
    }
    for pointer, (body, code) in wrong.items():
        refused = await harness.call("POST", "/v1/on-call", body)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
        assert refused.json()["errors"][0]["pointer"] == pointer.strip()
    made = await harness.make("on-call", shift(crew["lintao"]))
    refused = await harness.call("PATCH", f"/v1/on-call/{made['id']}", {"from_at": SIX})
    assert refused.status_code == 422
    assert (await harness.call("PATCH", f"/v1/on-call/{made['id']}", {"staff": None})).status_code == 422


async def test_shifts_are_listed_by_beginning_instant_period_and_department(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    morning = await harness.make("on-call", shift(crew["lintao"], NINE, NOON))
    evening = await harness.make("on-call", shift(crew["lintao"], NOON, SIX))
    centre = await harness.make("on-call", shift(crew["wangfang"], NINE, SIX, None))

    async def listed(query: str) -> list[str]:
        answer = await harness.call("GET", f"/v1/on-call?{query}")
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert set(await listed("")) == {morning["id"], evening["id"], centre["id"]}
    assert await listed("department=repairs") == [morning["id"], evening["id"]]
    assert await listed("department=repairs&at=2026-11-20T08:59:59Z") == []
    assert await listed(f"department=repairs&at={NINE}") == [morning["id"]]
    assert await listed(f"department=repairs&at={NOON}") == [evening["id"]]
    assert await listed(f"department=repairs&at={SIX}") == []
    assert await listed(f"department=repairs&from={NOON}") == [evening["id"]]
    assert await listed(f"department=repairs&to={NOON}") == [morning["id"]]
    first = (await harness.call("GET", "/v1/on-call?limit=2")).json()
    rest = (await harness.call("GET", f"/v1/on-call?limit=2&cursor={first['next_cursor']}")).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == await listed("")
    assert rest["next_cursor"] is None
    for query in ("at=tomorrow", "at=2026-11-20T09:00:00", "cursor=x", "cursor=WzEsMl0"):
        assert (await harness.call("GET", f"/v1/on-call?{query}")).status_code == 422, query


async def test_only_those_who_keep_the_directory_plan_shifts_and_everybody_reads_them(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    token = await signed_in(harness, crew, "lilei")
    assert (await harness.call("POST", "/v1/on-call", shift(crew["lintao"]), token=token)).status_code == 403
    assert (await harness.call("GET", "/v1/on-call", token=token)).status_code == 200
    bound = await harness.key(Scope.DIRECTORY_WRITE, Scope.DIRECTORY_READ, department=ELSE)
    assert (await harness.call("POST", "/v1/on-call", shift(crew["lintao"]), token=bound)).status_code == 403
    assert (await harness.call("POST", "/v1/on-call", shift(crew["zhaomin"], department=ELSE), token=bound)).is_success


async def test_changes_of_shifts_are_in_the_audit_log(harness: DirectoryHarness, crew: dict[str, str]) -> None:
    made = await harness.make("on-call", shift(crew["lintao"]))
    await harness.call("DELETE", f"/v1/on-call/{made['id']}")
    token = await harness.key(Scope.AUDIT_READ)
    entries = (await harness.call("GET", "/v1/directory-audit", token=token)).json()["items"]
    removed, created = [it for it in entries if it["subject_id"] == made["id"]]
    assert (removed["change"], created["change"]) == ("removed", "created")
    assert removed["fields"]["from_at"] == [NINE, None]
    assert created["fields"]["to_at"] == [None, SIX]


async def test_a_shift_made_twice_under_one_key_is_made_once(harness: DirectoryHarness, crew: dict[str, str]) -> None:
    answers = [
        await harness.call("POST", "/v1/on-call", shift(crew["lintao"]), Idempotency_Key="night") for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len((await harness.call("GET", "/v1/on-call")).json()["items"]) == 1


async def test_everybody_on_duty_is_found_from_the_first_instant_of_the_shift_to_before_its_last(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    await harness.make("on-call", shift(crew["lintao"]))
    await harness.make("on-call", shift(crew["zhouqiang"], NOON, SIX))
    assert await found(harness, "on_call", at=NINE) == [crew["lintao"]]
    assert await found(harness, "on_call", at=NOON) == [crew["lintao"], crew["zhouqiang"]]
    assert await found(harness, "on_call", at="2026-11-20T08:59:59Z") == supervisors(crew)
    assert await found(harness, "on_call", at=SIX) == supervisors(crew)


async def test_a_department_s_shift_goes_before_the_centre_s_and_the_centre_s_before_nobody(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    await harness.make("on-call", shift(crew["wangfang"], department=None))
    assert await found(harness, "on_call") == [crew["wangfang"]]
    await harness.make("on-call", shift(crew["lintao"]))
    assert await found(harness, "on_call") == [crew["lintao"]]
    assert await found(harness, "on_call", ELSE) == [crew["wangfang"]]


async def test_nobody_is_told_of_what_they_may_not_read(harness: DirectoryHarness, crew: dict[str, str]) -> None:
    """赵敏 of logistics stands in for the whole centre, and has no right to tickets of the repairs."""
    await harness.make("on-call", shift(crew["zhaomin"], department=None))
    assert await found(harness, "on_call", ELSE) == [crew["zhaomin"]]
    assert await found(harness, "on_call", "repairs") == supervisors(crew)


async def test_while_nobody_is_on_duty_the_named_person_is_found_else_the_supervisors(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    assert await found(harness, "on_call") == supervisors(crew)
    answer = await harness.call("PATCH", "/v1/departments/repairs", {"on_call_fallback": crew["zhouqiang"]})
    assert answer.json()["on_call_fallback"] == crew["zhouqiang"]
    assert await found(harness, "on_call") == [crew["zhouqiang"]]
    await harness.call("PATCH", f"/v1/staff/{crew['zhouqiang']}", {"active": False})
    assert await found(harness, "on_call") == supervisors(crew)
    for named in (crew["zhaomin"], crew["wugang"], "nobody"):
        refused = await harness.call("PATCH", "/v1/departments/repairs", {"on_call_fallback": named})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/on_call_fallback")


async def test_a_role_is_found_in_the_department_and_else_among_those_who_serve_all(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    assert await found(harness, "clerks") == [crew["lilei"]]
    assert await found(harness, "department_head") == [crew["zhouqiang"]]
    assert await found(harness, "supervisor") == supervisors(crew)
    assert await found(harness, "department_head", ELSE) == []
    assert await found(harness, "clerks", None) == [crew["lilei"], crew["qianjin"]]
    assert await found(harness, "admin") == [crew["admin"]]
    assert await found(harness, "owner") == []
    await harness.call("PATCH", f"/v1/staff/{crew['lilei']}", {"active": False})
    assert await found(harness, "clerks") == []


async def test_an_address_is_seen_by_its_owner_and_by_those_who_keep_the_directory(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    path, how = f"/v1/staff/{crew['lintao']}", {"email": "lintao@example.com", "language": "en"}
    changed = (await harness.call("PATCH", path, how)).json()
    assert (changed["email"], changed["language"]) == ("lintao@example.com", "en")
    for username, seen in (("lintao", "lintao@example.com"), ("lilei", None), ("wangfang", None)):
        token = await signed_in(harness, crew, username)
        assert (await harness.call("GET", path, token=token)).json()["email"] == seen
        listed = (await harness.call("GET", "/v1/staff", token=token)).json()["items"]
        assert next(each for each in listed if each["id"] == crew["lintao"])["email"] == seen
    assert "lintao@example.com" not in (await harness.ask("GET", "/internal/people")).text
    token = await harness.key(Scope.AUDIT_READ)
    assert "lintao@example.com" not in (await harness.call("GET", "/v1/directory-audit", token=token)).text


async def test_a_member_of_staff_is_made_with_an_address_and_a_language_that_texts_have(
    harness: DirectoryHarness,
) -> None:
    member = {"username": "gaoyuan", "name": "高原", "roles": ["clerk"], "password": PASSWORD}
    for wrong in ({"email": "gaoyuan"}, {"email": "a@b@c.example"}, {"language": "fr"}):
        assert (await harness.call("POST", "/v1/staff", member | wrong)).status_code == 422, wrong
    made = await harness.make("staff", member | {"email": "gaoyuan@example.com", "language": "zh-CN"})
    assert (made["email"], made["language"]) == ("gaoyuan@example.com", "zh-CN")
    cleared = (await harness.call("PATCH", f"/v1/staff/{made['id']}", {"email": None})).json()
    assert cleared["email"] is None


async def test_services_ask_for_addresses_at_the_moment_of_sending(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    await harness.call("PATCH", f"/v1/staff/{crew['lintao']}", {"email": "lintao@example.com"})
    await harness.call("PATCH", f"/v1/staff/{crew['lilei']}", {"active": False})
    asked = {"ids": [crew["lintao"], crew["lilei"], "nobody"]}
    items = (await harness.ask("POST", "/internal/staff/addresses", asked)).json()["items"]
    told = {item["id"]: (item["name"], item["email"], item["language"], item["active"]) for item in items}
    assert told == {
        crew["lintao"]: ("林涛", "lintao@example.com", None, True),
        crew["lilei"]: ("李雷", None, None, False),
    }


async def test_a_key_of_a_department_sees_the_shifts_that_answer_its_alerts_alone(
    harness: DirectoryHarness, crew: dict[str, str]
) -> None:
    made = {
        department: (await harness.make("on-call", shift(crew[staff], department=department)))["id"]
        for department, staff in (("repairs", "lintao"), (ELSE, "zhaomin"), (None, "wangfang"))
    }
    secret = await harness.key(*Scope, department=ELSE)
    listed = (await harness.call("GET", "/v1/on-call", token=secret)).json()["items"]
    assert {each["id"] for each in listed} == {made[ELSE], made[None]}
    for department, status in (("repairs", 403), (ELSE, 200), (None, 200)):
        assert (await harness.call("GET", f"/v1/on-call/{made[department]}", token=secret)).status_code == status
    staff = await signed_in(harness, crew, "qianjin")
    assert len((await harness.call("GET", "/v1/on-call", token=staff)).json()["items"]) == 3


async def admin_id(harness: DirectoryHarness) -> str:
    found: str = (await harness.call("GET", "/v1/staff")).json()["items"][0]["id"]
    return found
