"""Ends of a session before its token expires: here at once, everywhere else by what the directory tells."""

from typing import Any

import pytest

from tests.services.directory.harness import ADMIN_KEY, PASSWORD, DirectoryHarness

NEW = "another good one"


@pytest.fixture
async def lilei(harness: DirectoryHarness) -> dict[str, Any]:
    """李雷, a clerk."""
    return await harness.hire("lilei", "李雷", "clerk", department="service-centre")


async def enters(harness: DirectoryHarness, token: str) -> bool:
    """Whether a token lets its bearer in."""
    status = (await harness.call("GET", "/v1/me", token=token)).status_code
    assert status in {200, 401}
    return status == 200


async def news(harness: DirectoryHarness, generation: int = 0, position: int = 0) -> dict[str, Any]:
    """News for other processes."""
    answer = await harness.ask("GET", f"/internal/sessions?generation={generation}&position={position}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_signing_out_ends_this_session_and_no_other(harness: DirectoryHarness, lilei: dict[str, Any]) -> None:
    first, second = await harness.sign_in("lilei"), await harness.sign_in("lilei")
    answer = await harness.call("POST", "/v1/me/sign-out", token=first)
    assert (answer.status_code, answer.json()) == (200, {"signed_out": True})
    assert not await enters(harness, first)
    assert await enters(harness, second)
    assert (await harness.call("POST", "/v1/me/sign-out", token=first)).status_code == 401


async def test_signing_out_of_a_second_session_is_not_taken_for_a_repeat(
    harness: DirectoryHarness, lilei: dict[str, Any]
) -> None:
    for _ in range(2):
        token = await harness.sign_in("lilei")
        assert (await harness.call("POST", "/v1/me/sign-out", token=token, idempotency_key="bye")).status_code == 200
        assert not await enters(harness, token)


async def test_a_new_password_ends_every_session_but_the_one_that_chose_it(
    harness: DirectoryHarness, lilei: dict[str, Any]
) -> None:
    mine, other = await harness.sign_in("lilei"), await harness.sign_in("lilei")
    body = {"current": PASSWORD, "new": NEW}
    assert (await harness.call("POST", "/v1/me/password", body, token=mine)).status_code == 200
    assert [await enters(harness, each) for each in (mine, other)] == [True, False]
    later = await harness.sign_in("lilei", NEW)
    body = {"current": NEW, "new": PASSWORD}
    assert (await harness.call("POST", "/v1/me/password", body, token=later)).status_code == 200
    assert [await enters(harness, each) for each in (mine, later)] == [False, True]
    assert (await harness.call("POST", "/v1/me/sign-out", token=later)).status_code == 200
    assert not await enters(harness, later)


async def test_a_wrong_current_password_ends_nothing(harness: DirectoryHarness, lilei: dict[str, Any]) -> None:
    mine, other = await harness.sign_in("lilei"), await harness.sign_in("lilei")
    body = {"current": "wrong", "new": NEW}
    assert (await harness.call("POST", "/v1/me/password", body, token=mine)).status_code == 422
    assert [await enters(harness, each) for each in (mine, other)] == [True, True]


async def test_a_password_given_by_the_administrator_ends_every_session(
    harness: DirectoryHarness, lilei: dict[str, Any]
) -> None:
    token = await harness.sign_in("lilei")
    assert (await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"password": NEW})).status_code == 200
    assert not await enters(harness, token)
    assert await enters(harness, await harness.sign_in("lilei", NEW))


async def test_an_administrator_who_gives_themselves_a_password_goes_on(harness: DirectoryHarness) -> None:
    sunlei = await harness.hire("sunlei", "孙磊", "admin")
    mine, other = await harness.sign_in("sunlei"), await harness.sign_in("sunlei")
    body = {"password": NEW}
    assert (await harness.call("PATCH", f"/v1/staff/{sunlei['id']}", body, token=mine)).status_code == 200
    assert [await enters(harness, each) for each in (mine, other)] == [True, False]


async def test_who_left_and_comes_back_signs_in_anew(harness: DirectoryHarness, lilei: dict[str, Any]) -> None:
    token = await harness.sign_in("lilei")
    await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"active": False})
    assert not await enters(harness, token)
    await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"active": True})
    assert not await enters(harness, token)
    assert await enters(harness, await harness.sign_in("lilei"))


@pytest.mark.parametrize(
    "change", [{"name": "李磊"}, {"roles": ["handler"]}, {"active": True}, {"email": "a@b.example"}]
)
async def test_other_changes_end_no_session(
    harness: DirectoryHarness, lilei: dict[str, Any], change: dict[str, Any]
) -> None:
    token = await harness.sign_in("lilei")
    assert (await harness.call("PATCH", f"/v1/staff/{lilei['id']}", change)).status_code == 200
    assert await enters(harness, token)


async def test_a_key_has_no_session_to_end(harness: DirectoryHarness) -> None:
    assert (await harness.call("POST", "/v1/me/sign-out", token=ADMIN_KEY)).status_code == 403
    assert (await harness.call("POST", "/v1/me/sign-out", token=None)).status_code == 401


async def test_what_ends_sessions_is_told_once_and_only_what_is_new(
    harness: DirectoryHarness, lilei: dict[str, Any]
) -> None:
    first = await news(harness)
    [person] = [each for each in first["staff"] if each["id"] == lilei["id"]]
    assert (person["generation"], person["active"], person["roles"]) == (0, True, ["clerk"])
    place = {"generation": first["generation"], "position": first["position"]}
    nothing = await news(harness, **place)
    assert (nothing["staff"], nothing["ended"], nothing["more"]) == (None, [], False)
    await harness.call("POST", "/v1/me/sign-out", token=await harness.sign_in("lilei"))
    signed_out = await news(harness, **place)
    assert (signed_out["staff"], len(signed_out["ended"])) == (None, 1)
    await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"password": NEW})
    changed = await news(harness, generation=first["generation"], position=signed_out["position"])
    assert changed["ended"] == []
    assert {each["generation"] for each in changed["staff"] if each["id"] == lilei["id"]} == {1}
    assert PASSWORD not in str(changed)


async def test_only_services_are_told(harness: DirectoryHarness, lilei: dict[str, Any]) -> None:
    answer = await harness.internal.get("/internal/sessions?generation=0&position=0")
    assert answer.status_code == 401


async def test_the_record_of_changes_tells_of_the_password_and_not_of_generations(
    harness: DirectoryHarness, lilei: dict[str, Any]
) -> None:
    await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"password": NEW})
    await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"active": False})
    newest, before = (await harness.call("GET", "/v1/directory-audit")).json()["items"][:2]
    assert (newest["fields"], before["fields"]) == ({"active": [True, False]}, {"password_hash": ["***", "***"]})
