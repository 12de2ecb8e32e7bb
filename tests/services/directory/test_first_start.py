"""The first start: one administrator, one department, one key, once."""

import asyncio

from services.contracts.directory import Scope
from tests.services.directory.harness import ADMIN_KEY, PASSWORD, DirectoryHarness

FIRST = {"username": "admin", "password": PASSWORD, "key": ADMIN_KEY}


async def test_bootstrap_makes_an_administrator_who_supervises_the_whole_centre(harness: DirectoryHarness) -> None:
    [admin] = (await harness.call("GET", "/v1/staff")).json()["items"]
    assert (admin["username"], admin["roles"], admin["department"]) == ("admin", ["admin", "supervisor"], None)
    assert await harness.sign_in("admin")


async def test_bootstrap_makes_the_default_department(harness: DirectoryHarness) -> None:
    [department] = (await harness.call("GET", "/v1/departments")).json()["items"]
    assert (department["id"], department["name"], department["default"]) == ("service-centre", "客服中心", True)


async def test_bootstrap_makes_a_key_with_every_scope(harness: DirectoryHarness) -> None:
    me = (await harness.call("GET", "/v1/me")).json()
    assert (me["kind"], me["name"], set(me["scopes"])) == ("api_key", "admin", set(Scope))


async def test_second_bootstrap_changes_nothing(harness: DirectoryHarness) -> None:
    other = {"username": "intruder", "password": PASSWORD, "key": "bh_" + "B" * 43}
    answer = await harness.ask("POST", "/internal/bootstrap", other)
    assert (answer.status_code, answer.json()) == (200, {"created": False})
    assert len((await harness.call("GET", "/v1/staff")).json()["items"]) == 1


async def test_bootstraps_at_once_make_one_administrator(bare: DirectoryHarness) -> None:
    answers = await asyncio.gather(*(bare.ask("POST", "/internal/bootstrap", FIRST) for _ in range(8)))
    assert sorted(answer.json()["created"] for answer in answers) == [False] * 7 + [True]


async def test_bootstrap_is_for_services_alone(bare: DirectoryHarness) -> None:
    answer = await bare.internal.post("/internal/bootstrap", json=FIRST)
    assert answer.status_code == 401
    answer = await bare.internal.post("/internal/bootstrap", json=FIRST, headers={"Authorization": "Bearer guessed"})
    assert answer.status_code == 401


async def test_bootstrap_refuses_a_weak_password_and_a_key_of_another_form(bare: DirectoryHarness) -> None:
    answer = await bare.ask("POST", "/internal/bootstrap", {"username": "admin", "password": "short", "key": "bh_x"})
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/password", "/key"}


async def test_internal_paths_are_not_public(harness: DirectoryHarness) -> None:
    for path in ("/internal/people", "/internal/bootstrap", "/internal/keys/introspect"):
        assert (await harness.call("GET", path)).status_code == 404
