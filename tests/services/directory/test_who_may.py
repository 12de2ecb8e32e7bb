"""Rights to read and to write the directory, and the record of it."""

from typing import Any

import pytest
from sqlalchemy import select

from services.contracts.directory import StaffRole
from services.directory.tables import audit
from tests.services.directory.harness import PASSWORD, DirectoryHarness

READS = ["/v1/departments", "/v1/departments/service-centre", "/v1/staff", "/v1/api-keys"]
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/departments", {"name": "新部门"}),
    ("PATCH", "/v1/departments/service-centre", {"name": "改名"}),
    ("POST", "/v1/staff", {"username": "friend", "name": "朋友", "roles": ["clerk"]}),
    ("PATCH", "/v1/staff/nobody", {"name": "改名"}),
    ("POST", "/v1/api-keys", {"name": "shop", "scopes": ["tickets:read"]}),
    ("PATCH", "/v1/api-keys/nobody", {"name": "改名"}),
]


@pytest.mark.parametrize("role", StaffRole)
async def test_every_role_reads_the_directory_and_only_the_administrator_writes_it(
    harness: DirectoryHarness, role: StaffRole
) -> None:
    await harness.hire("somebody", "某人", role)
    token = await harness.sign_in("somebody")
    for path in READS:
        assert (await harness.call("GET", path, token=token)).status_code == 200
    for method, path, body in WRITES:
        status = (await harness.call(method, path, body, token=token)).status_code
        assert (status == 403) is (role is not StaffRole.ADMIN), (method, path, status)


async def test_only_the_auditor_among_staff_reads_the_audit_log(harness: DirectoryHarness) -> None:
    for role in StaffRole:
        await harness.hire(f"one-{role}", "某人", role)
        token = await harness.sign_in(f"one-{role}")
        status = (await harness.call("GET", "/v1/directory-audit", token=token)).status_code
        assert status == (200 if role is StaffRole.AUDITOR else 403)


async def test_nobody_reads_or_writes_without_signing_in(harness: DirectoryHarness) -> None:
    for path in [*READS, "/v1/me", "/v1/directory-audit"]:
        assert (await harness.call("GET", path, token=None)).status_code == 401
    for method, path, body in WRITES:
        assert (await harness.call(method, path, body, token=None)).status_code == 401


async def test_refusal_comes_before_the_input_is_judged(harness: DirectoryHarness) -> None:
    await harness.hire("lilei", "李雷", "clerk")
    refused = await harness.call("POST", "/v1/staff", {"nonsense": 1}, token=await harness.sign_in("lilei"))
    assert refused.status_code == 403


async def test_every_change_says_who_changed_whom_from_what_to_what(harness: DirectoryHarness) -> None:
    await harness.hire("sunlei", "孙磊", "admin")
    token = await harness.sign_in("sunlei")
    actor = (await harness.call("GET", "/v1/me", token=token)).json()["id"]
    body = {"username": "lilei", "name": "李雷", "roles": ["clerk"]}
    lilei = await harness.make("staff", body, token=token)
    await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"roles": ["clerk", "supervisor"]}, token=token)
    newest, before = (await harness.call("GET", "/v1/directory-audit")).json()["items"][:2]
    assert (newest["actor_kind"], newest["actor_id"], newest["subject_id"]) == ("staff", actor, lilei["id"])
    assert (newest["change"], newest["fields"]) == ("changed", {"roles": [["clerk"], ["clerk", "supervisor"]]})
    assert (before["change"], before["subject_kind"], before["fields"]["name"]) == ("created", "staff", [None, "李雷"])


async def test_password_is_said_to_be_set_and_not_told(harness: DirectoryHarness) -> None:
    lilei = await harness.hire("lilei", "李雷", "clerk")
    await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"password": "another good one"})
    async with harness.directory.database.read() as connection:
        entries = (await connection.execute(select(audit.c.fields).order_by(audit.c.id.desc()))).scalars().all()
    assert entries[0] == {"password_hash": ["***", "***"]}
    assert "argon2" not in str(entries)
    assert PASSWORD not in str(entries)


async def test_audit_log_is_read_newest_first_page_by_page(harness: DirectoryHarness) -> None:
    await harness.hire("lilei", "李雷", "clerk")
    first = (await harness.call("GET", "/v1/directory-audit?limit=3")).json()
    second = (await harness.call("GET", f"/v1/directory-audit?limit=3&cursor={first['next_cursor']}")).json()
    numbers = [int(entry["id"]) for entry in first["items"] + second["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 4
    assert second["next_cursor"] is None


async def test_replacing_the_default_department_is_two_entries(harness: DirectoryHarness) -> None:
    await harness.make("departments", {"id": "repairs", "name": "维修部", "default": True})
    newest, before = (await harness.call("GET", "/v1/directory-audit")).json()["items"][:2]
    assert (newest["subject_id"], newest["change"]) == ("repairs", "created")
    assert (before["subject_id"], before["fields"]) == ("service-centre", {"default": [True, False]})
