"""Departments and staff: who is made, changed and refused."""

import asyncio
from typing import Any

import pytest

from tests.services.directory.harness import DirectoryHarness

ZHAO_MIN = {"username": "zhaomin", "name": "赵敏", "roles": ["handler"], "department": "logistics"}


@pytest.fixture
async def logistics(harness: DirectoryHarness) -> dict[str, Any]:
    """The department 物流部."""
    return await harness.make("departments", {"id": "logistics", "name": "物流部", "categories": ["logistics_delay"]})


async def admin_id(harness: DirectoryHarness) -> str:
    found: str = (await harness.call("GET", "/v1/staff")).json()["items"][0]["id"]
    return found


async def test_new_staff_are_shown_without_their_password(harness: DirectoryHarness, logistics: dict[str, Any]) -> None:
    made = await harness.make("staff", ZHAO_MIN | {"password": "a long password"})
    assert made.items() >= (ZHAO_MIN | {"active": True}).items()
    assert not [name for name in made if "password" in name]
    assert (await harness.call("GET", f"/v1/staff/{made['id']}")).json() == made


async def test_change_keeps_what_it_does_not_name(harness: DirectoryHarness, logistics: dict[str, Any]) -> None:
    made = await harness.make("staff", ZHAO_MIN)
    changed = (await harness.call("PATCH", f"/v1/staff/{made['id']}", {"roles": ["department_head"]})).json()
    assert changed == made | {"roles": ["department_head"]}


async def test_null_takes_the_department_away(harness: DirectoryHarness, logistics: dict[str, Any]) -> None:
    made = await harness.make("staff", ZHAO_MIN)
    changed = await harness.call("PATCH", f"/v1/staff/{made['id']}", {"department": None})
    assert changed.json()["department"] is None


async def test_null_is_no_value_for_what_everybody_has(harness: DirectoryHarness) -> None:
    for field in ("name", "roles", "active", "username", "password"):
        refused = await harness.call("PATCH", f"/v1/staff/{await admin_id(harness)}", {field: None})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{field}")


async def test_user_name_is_unique_whatever_its_case(harness: DirectoryHarness, logistics: dict[str, Any]) -> None:
    await harness.make("staff", ZHAO_MIN)
    refused = await harness.call("POST", "/v1/staff", ZHAO_MIN | {"username": "ZhaoMin"})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")


async def test_user_name_of_somebody_else_cannot_be_taken_over(
    harness: DirectoryHarness, logistics: dict[str, Any]
) -> None:
    made = await harness.make("staff", ZHAO_MIN)
    refused = await harness.call("PATCH", f"/v1/staff/{made['id']}", {"username": "ADMIN"})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
    assert (await harness.call("PATCH", f"/v1/staff/{made['id']}", {"username": "ZHAOMIN"})).status_code == 200


async def test_one_of_many_who_ask_for_the_same_user_name_at_once_gets_it(
    harness: DirectoryHarness, logistics: dict[str, Any]
) -> None:
    answers = await asyncio.gather(*(harness.call("POST", "/v1/staff", ZHAO_MIN) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_wrong_field_is_a_422_that_points_at_it(harness: DirectoryHarness, logistics: dict[str, Any]) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "/roles/0": {"roles": ["boss"]},
        "/roles": {"roles": []},
        "/department": {"department": "nowhere"},
        "/password": {"password": "too short"},
        "/username": {"username": "赵 敏"},
        "/name": {"name": " "},
        "/salary": {"salary": 1},
    }
    for pointer, fields in wrong.items():
        refused = await harness.call("POST", "/v1/staff", ZHAO_MIN | fields)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_department_that_is_no_longer_active_takes_nobody_new(
    harness: DirectoryHarness, logistics: dict[str, Any]
) -> None:
    await harness.call("PATCH", "/v1/departments/logistics", {"active": False})
    refused = await harness.call("POST", "/v1/staff", ZHAO_MIN)
    assert refused.json()["errors"][0]["code"] == "unknown_department"


@pytest.mark.parametrize("change", [{"active": False}, {"roles": ["supervisor"]}])
async def test_last_active_administrator_stays(harness: DirectoryHarness, change: dict[str, Any]) -> None:
    refused = await harness.call("PATCH", f"/v1/staff/{await admin_id(harness)}", change)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")


async def test_administrator_may_go_when_another_one_stays(harness: DirectoryHarness) -> None:
    await harness.hire("sunlei", "孙磊", "admin")
    gone = await harness.call("PATCH", f"/v1/staff/{await admin_id(harness)}", {"active": False})
    assert gone.json()["active"] is False


async def test_deactivated_administrator_does_not_count_as_another_one(harness: DirectoryHarness) -> None:
    second = await harness.hire("sunlei", "孙磊", "admin")
    await harness.call("PATCH", f"/v1/staff/{second['id']}", {"active": False})
    assert (await harness.call("PATCH", f"/v1/staff/{await admin_id(harness)}", {"active": False})).status_code == 409


async def test_two_administrators_who_deactivate_each_other_at_once_leave_one(harness: DirectoryHarness) -> None:
    second = await harness.hire("sunlei", "孙磊", "admin")
    ids = [await admin_id(harness), second["id"]]
    answers = await asyncio.gather(*(harness.call("PATCH", f"/v1/staff/{who}", {"active": False}) for who in ids))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_department_without_an_id_gets_one(harness: DirectoryHarness) -> None:
    made = await harness.make("departments", {"name": "维修部"})
    assert made["id"]
    assert (await harness.call("GET", f"/v1/departments/{made['id']}")).json() == made


async def test_department_id_is_unique(harness: DirectoryHarness, logistics: dict[str, Any]) -> None:
    refused = await harness.call("POST", "/v1/departments", {"id": "logistics", "name": "第二物流部"})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")


async def test_new_default_department_takes_over_from_the_old_one(
    harness: DirectoryHarness, logistics: dict[str, Any]
) -> None:
    changed = await harness.call("PATCH", "/v1/departments/logistics", {"default": True})
    assert changed.json()["default"] is True
    items = (await harness.call("GET", "/v1/departments")).json()["items"]
    assert [item["id"] for item in items if item["default"]] == ["logistics"]


@pytest.mark.parametrize("change", [{"default": False}, {"active": False}])
async def test_default_department_stays_until_another_takes_over(
    harness: DirectoryHarness, change: dict[str, Any]
) -> None:
    refused = await harness.call("PATCH", "/v1/departments/service-centre", change)
    assert (refused.status_code, refused.json()["code"]) == (409, "default_department")


async def test_inactive_department_cannot_be_the_default(harness: DirectoryHarness, logistics: dict[str, Any]) -> None:
    refused = await harness.call("PATCH", "/v1/departments/logistics", {"default": True, "active": False})
    assert refused.json()["errors"][0]["pointer"] == "/default"


async def test_what_does_not_exist_is_a_404(harness: DirectoryHarness) -> None:
    for collection in ("departments", "staff", "api-keys"):
        assert (await harness.call("GET", f"/v1/{collection}/nobody")).status_code == 404
        assert (await harness.call("PATCH", f"/v1/{collection}/nobody", {"name": "谁"})).status_code == 404


async def test_lists_come_in_the_order_of_making_page_by_page(harness: DirectoryHarness) -> None:
    for number in range(5):
        await harness.make("staff", {"username": f"clerk{number}", "name": f"专员{number}", "roles": ["clerk"]})
    seen, cursor = [], None
    while True:
        query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = (await harness.call("GET", f"/v1/staff{query}")).json()
        seen += [item["username"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["admin", *(f"clerk{number}" for number in range(5))]


async def test_full_last_page_has_no_next_one(harness: DirectoryHarness) -> None:
    assert (await harness.call("GET", "/v1/staff?limit=1")).json()["next_cursor"] is None


async def test_limits_and_cursors_of_other_making_are_a_422(harness: DirectoryHarness) -> None:
    for query in ("limit=0", "limit=201", "limit=x", "cursor=x", "cursor=WyJhIl0", "cursor=WzFd..", "cursor="):
        assert (await harness.call("GET", f"/v1/staff?{query}")).status_code == 422, query


async def test_repeat_under_one_key_makes_one_person(harness: DirectoryHarness, logistics: dict[str, Any]) -> None:
    body = ZHAO_MIN | {"password": "a long password"}
    answers = await asyncio.gather(
        *(harness.call("POST", "/v1/staff", body, idempotency_key="hire-1") for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await harness.call("POST", "/v1/staff", body | {"name": "别人"}, idempotency_key="hire-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_copy_for_other_services_holds_everybody_and_grows_a_generation_with_each_change(
    harness: DirectoryHarness, logistics: dict[str, Any]
) -> None:
    made = await harness.make("staff", ZHAO_MIN)
    before = (await harness.ask("GET", "/internal/people")).json()
    await harness.call("PATCH", f"/v1/staff/{made['id']}", {"active": False})
    after = (await harness.ask("GET", "/internal/people")).json()
    assert [each["id"] for each in after["departments"]] == ["service-centre", "logistics"]
    assert [(each["username"], each["active"]) for each in after["staff"]] == [("admin", True), ("zhaomin", False)]
    assert after["generation"] > before["generation"]


async def test_change_that_changes_nothing_keeps_the_generation(
    harness: DirectoryHarness, logistics: dict[str, Any]
) -> None:
    before = (await harness.ask("GET", "/internal/people")).json()["generation"]
    await harness.call("PATCH", "/v1/departments/logistics", {"name": "物流部"})
    await harness.call("PATCH", "/v1/departments/logistics")
    assert (await harness.ask("GET", "/internal/people")).json()["generation"] == before
