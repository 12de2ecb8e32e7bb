"""API keys: shown once, scoped, revocable, and never a way to more than they hold."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update

from services.contracts.directory import Scope
from services.directory.tables import api_keys, idempotency
from services.runtime.security.auth import key_hash
from tests.services.directory.harness import ADMIN_KEY, DirectoryHarness

NIGHT = {"from_at": "2031-11-20T14:00:00Z", "to_at": "2031-11-20T22:00:00Z"}

SHOP = {"name": "shop", "scopes": ["feedback:write", "tickets:read"]}
DIRECTORY = (Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE)


async def introspected(harness: DirectoryHarness, secret: str) -> dict[str, Any] | None:
    answer = await harness.ask("POST", "/internal/keys/introspect", {"key_hash": key_hash(secret)})
    return None if answer.status_code == 404 else answer.json()


async def used_at(harness: DirectoryHarness, secret: str) -> datetime | None:
    async with harness.directory.database.read() as connection:
        found = await connection.execute(select(api_keys.c.last_used_at).where(api_keys.c.key_hash == key_hash(secret)))
        at: datetime | None = found.scalar_one()
        return at


async def test_secret_is_in_the_answer_that_made_it_and_nowhere_else(harness: DirectoryHarness) -> None:
    made = await harness.make("api-keys", SHOP)
    assert made["key"].startswith("bh_")
    assert len(made["key"]) == 46
    assert "key" not in (await harness.call("GET", f"/v1/api-keys/{made['id']}")).json()
    listed = (await harness.call("GET", "/v1/api-keys")).text + (await harness.call("GET", "/v1/directory-audit")).text
    assert made["key"] not in listed
    assert key_hash(made["key"]) not in listed


async def test_key_acts_with_its_scopes_and_department(harness: DirectoryHarness) -> None:
    secret = await harness.key(Scope.TICKETS_READ, department="service-centre")
    me = (await harness.call("GET", "/v1/me", token=secret)).json()
    assert (me["kind"], me["scopes"], me["department"]) == ("api_key", ["tickets:read"], "service-centre")
    assert me["allowed"] == ["read-ticket"]


async def test_repeat_under_one_key_shows_the_same_secret_and_the_database_does_not_know_it(
    harness: DirectoryHarness,
) -> None:
    answers = [await harness.call("POST", "/v1/api-keys", SHOP, idempotency_key="shop") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replay"] == "true"
    async with harness.directory.database.read() as connection:
        remembered = (await connection.execute(select(idempotency.c.answer))).scalars().all()
        dump = (await connection.execute(text("SELECT string_agg(k::text, '') FROM directory.api_keys k"))).scalar_one()
    assert answers[0].json()["key"] not in f"{remembered}{dump}"


async def test_wrong_field_is_a_422_that_points_at_it(harness: DirectoryHarness) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "/scopes": {"scopes": []},
        "/scopes/0": {"scopes": ["tickets:own"]},
        "/department": {"department": "nowhere"},
        "/name": {"name": ""},
        "/key": {"key": ADMIN_KEY},
    }
    for pointer, fields in wrong.items():
        refused = await harness.call("POST", "/v1/api-keys", SHOP | fields)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_introspection_tells_scopes_and_department_of_an_active_key(harness: DirectoryHarness) -> None:
    made = await harness.make("api-keys", SHOP)
    assert await introspected(harness, made["key"]) == {
        "id": made["id"], "name": "shop", "scopes": SHOP["scopes"], "department": None
    }  # fmt: skip


async def test_unknown_key_is_a_404_to_services_and_a_401_to_its_holder(harness: DirectoryHarness) -> None:
    unknown = "bh_" + "Z" * 43
    assert await introspected(harness, unknown) is None
    assert (await harness.call("GET", "/v1/me", token=unknown)).status_code == 401


async def test_revoked_key_is_unknown_and_comes_back_when_activated(harness: DirectoryHarness) -> None:
    made = await harness.make("api-keys", SHOP)
    await harness.call("PATCH", f"/v1/api-keys/{made['id']}", {"active": False})
    assert await introspected(harness, made["key"]) is None
    await harness.call("PATCH", f"/v1/api-keys/{made['id']}", {"active": True})
    assert await introspected(harness, made["key"]) is not None


async def test_introspection_is_for_services_alone(harness: DirectoryHarness) -> None:
    answer = await harness.internal.post("/internal/keys/introspect", json={"key_hash": key_hash(ADMIN_KEY)})
    assert answer.status_code == 401


async def test_use_is_noted_at_most_once_a_minute(harness: DirectoryHarness) -> None:
    made = await harness.make("api-keys", SHOP)
    assert made["last_used_at"] is None
    await introspected(harness, made["key"])
    first = await used_at(harness, made["key"])
    assert first is not None
    await introspected(harness, made["key"])
    assert await used_at(harness, made["key"]) == first
    long_ago = datetime.now(UTC) - timedelta(seconds=61)
    async with harness.directory.database.begin() as connection:
        await connection.execute(update(api_keys).where(api_keys.c.id == made["id"]).values(last_used_at=long_ago))
    await asyncio.gather(*(introspected(harness, made["key"]) for _ in range(5)))
    noted = await used_at(harness, made["key"])
    assert noted is not None
    assert noted > first


async def test_key_that_reads_the_directory_does_not_write_it(harness: DirectoryHarness) -> None:
    secret = await harness.key(Scope.DIRECTORY_READ)
    assert (await harness.call("GET", "/v1/api-keys", token=secret)).status_code == 200
    assert (await harness.call("POST", "/v1/api-keys", SHOP, token=secret)).status_code == 403


async def test_key_hands_out_the_scopes_that_it_holds_and_no_other(harness: DirectoryHarness) -> None:
    secret = await harness.key(*DIRECTORY, Scope.TICKETS_READ)
    held = {"name": "less", "scopes": ["tickets:read"]}
    assert (await harness.call("POST", "/v1/api-keys", held, token=secret)).status_code == 201
    more = {"name": "more", "scopes": ["tickets:read", "contacts:read"]}
    refused = await harness.call("POST", "/v1/api-keys", more, token=secret)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_key_widens_neither_itself_nor_a_stronger_one(harness: DirectoryHarness) -> None:
    secret = await harness.key(*DIRECTORY)
    own = (await harness.call("GET", "/v1/me", token=secret)).json()["id"]
    widened = {"scopes": [*DIRECTORY, "contacts:read"]}
    assert (await harness.call("PATCH", f"/v1/api-keys/{own}", widened, token=secret)).status_code == 403
    stronger = (await harness.call("GET", "/v1/api-keys")).json()["items"][0]["id"]
    assert (await harness.call("PATCH", f"/v1/api-keys/{stronger}", {"active": False}, token=secret)).status_code == 403


async def test_key_makes_no_person_who_may_what_it_may_not(harness: DirectoryHarness) -> None:
    secret = await harness.key(*DIRECTORY)
    body = {"username": "friend", "name": "朋友", "roles": ["supervisor"], "password": "a long password"}
    assert (await harness.call("POST", "/v1/staff", body, token=secret)).status_code == 403


async def test_key_takes_over_nobody_by_setting_their_password(harness: DirectoryHarness) -> None:
    secret = await harness.key(*DIRECTORY)
    admin = (await harness.call("GET", "/v1/staff")).json()["items"][0]["id"]
    change = {"password": "now it is mine"}
    assert (await harness.call("PATCH", f"/v1/staff/{admin}", change, token=secret)).status_code == 403


async def test_key_of_a_department_writes_only_within_it(harness: DirectoryHarness) -> None:
    await harness.make("departments", {"id": "logistics", "name": "物流部"})
    secret = await harness.key(*Scope, department="logistics")
    inside = {"username": "zhaomin", "name": "赵敏", "roles": ["handler"], "department": "logistics"}
    assert (await harness.call("POST", "/v1/staff", inside, token=secret)).status_code == 201
    for department in ("service-centre", None):
        outside = inside | {"username": "other", "department": department}
        assert (await harness.call("POST", "/v1/staff", outside, token=secret)).status_code == 403
    assert (await harness.call("POST", "/v1/departments", {"name": "新部门"}, token=secret)).status_code == 403
    unbound = {"name": "free", "scopes": ["tickets:read"]}
    assert (await harness.call("POST", "/v1/api-keys", unbound, token=secret)).status_code == 403


async def test_key_with_every_scope_makes_every_kind_of_staff(harness: DirectoryHarness) -> None:
    for role in ("clerk", "handler", "department_head", "supervisor", "manager", "auditor", "admin"):
        await harness.hire(f"one-{role}", "新人", role)


async def test_key_of_a_department_sees_the_keys_and_the_changes_of_its_department_alone(
    harness: DirectoryHarness,
) -> None:
    await harness.make("departments", {"id": "logistics", "name": "物流部"})
    secret = await harness.key(*Scope, department="logistics")
    centre = (await harness.make("api-keys", {"name": "centre", "scopes": ["tickets:read"]}))["id"]
    others = await harness.hire("lilei", "李雷", "clerk", department="service-centre")
    own = await harness.hire("zhaomin", "赵敏", "handler", department="logistics")
    shifts = [
        await harness.make("on-call", {"staff": each["id"], "department": each["department"], **NIGHT})
        for each in (own, others)
    ]
    for each in shifts:
        await harness.call("DELETE", f"/v1/on-call/{each['id']}")
    keys = (await harness.call("GET", "/v1/api-keys", token=secret)).json()["items"]
    assert [each["department"] for each in keys] == ["logistics"]
    assert (await harness.call("GET", f"/v1/api-keys/{centre}", token=secret)).status_code == 403
    assert (await harness.call("GET", f"/v1/api-keys/{keys[0]['id']}", token=secret)).status_code == 200
    changes = (await harness.call("GET", "/v1/directory-audit", token=secret)).json()["items"]
    assert {(each["subject_kind"], each["subject_id"], each["change"]) for each in changes} == {
        ("department", "logistics", "created"),
        ("api_key", keys[0]["id"], "created"),
        ("staff", own["id"], "created"),
        ("shift", shifts[0]["id"], "created"),
        ("shift", shifts[0]["id"], "removed"),
    }


async def test_key_of_a_department_learns_the_addresses_of_its_own_people_alone(harness: DirectoryHarness) -> None:
    await harness.make("departments", {"id": "logistics", "name": "物流部"})
    secret = await harness.key(*Scope, department="logistics")
    for name, department in (("own", "logistics"), ("other", "service-centre"), ("centre", None)):
        body = {"username": name, "name": name, "roles": ["handler"], "email": f"{name}@centre.example"}
        await harness.make("staff", body | {"department": department})
    shown = (await harness.call("GET", "/v1/staff", token=secret)).json()["items"]
    assert {each["email"] for each in shown} == {None, "own@centre.example"}


async def test_staff_of_a_department_see_its_keys_and_those_of_the_centre(harness: DirectoryHarness) -> None:
    await harness.make("departments", {"id": "logistics", "name": "物流部"})
    for name, department in (("own", "logistics"), ("other", "service-centre"), ("whole", None)):
        await harness.make("api-keys", {"name": name, "scopes": ["tickets:read"], "department": department})
    await harness.hire("zhaomin", "赵敏", "handler", department="logistics")
    await harness.hire("qianjin", "钱进", "auditor", department="logistics")
    await harness.hire("sunlei", "孙磊", "admin", department="logistics")
    seen = {}
    for username in ("zhaomin", "sunlei"):
        answer = await harness.call("GET", "/v1/api-keys", token=await harness.sign_in(username))
        seen[username] = {each["name"] for each in answer.json()["items"]}
    assert seen == {"zhaomin": {"admin", "own", "whole"}, "sunlei": {"admin", "own", "whole", "other"}}
    changes = await harness.call("GET", "/v1/directory-audit?limit=200", token=await harness.sign_in("qianjin"))
    subjects = [each["subject_kind"] for each in changes.json()["items"]]
    assert sorted(subjects) == ["api_key", "department", "staff", "staff", "staff"]
