"""Signing in, and what a token gives (api.md `/v1/token`)."""

import asyncio

import pytest
from pwdlib import PasswordHash

from tests.services.directory.harness import ADMIN_KEY, PASSWORD, DirectoryHarness

WRONG = {"username": "lilei", "password": "not the password"}


@pytest.fixture
async def lilei(harness: DirectoryHarness) -> dict[str, object]:
    """李雷, a clerk."""
    return await harness.hire("lilei", "李雷", "clerk", department="service-centre")


async def test_user_name_and_password_give_a_bearer_token_and_its_lifetime(
    harness: DirectoryHarness, lilei: dict[str, object]
) -> None:
    answer = await harness.call("POST", "/v1/token", {"username": "lilei", "password": PASSWORD}, token=None)
    assert answer.status_code == 200
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 3600)


async def test_token_tells_who_the_caller_is_and_what_they_may(
    harness: DirectoryHarness, lilei: dict[str, object]
) -> None:
    me = (await harness.call("GET", "/v1/me", token=await harness.sign_in("lilei"))).json()
    assert (me["kind"], me["id"], me["name"], me["roles"]) == ("staff", lilei["id"], "李雷", ["clerk"])
    assert (me["username"], me["department"], me["scopes"]) == ("lilei", "service-centre", [])
    assert "accept" in me["allowed"]
    assert "second-callback" not in me["allowed"]


async def test_user_name_is_taken_in_any_case(harness: DirectoryHarness, lilei: dict[str, object]) -> None:
    assert await harness.sign_in("LiLei")


async def test_wrong_password_and_unknown_user_read_the_same_in_the_caller_s_language(
    harness: DirectoryHarness, lilei: dict[str, object]
) -> None:
    nobody = {"username": "nobody", "password": PASSWORD}
    for language, word in (("zh-CN", "用户名"), ("en", "user name")):
        wrong = await harness.call("POST", "/v1/token", WRONG, token=None, accept_language=language)
        unknown = await harness.call("POST", "/v1/token", nobody, token=None, accept_language=language)
        assert wrong.status_code == unknown.status_code == 401
        assert wrong.json()["code"] == unknown.json()["code"] == "unauthenticated"
        assert wrong.json()["detail"] == unknown.json()["detail"]
        assert word in wrong.json()["detail"]


async def test_unknown_user_costs_the_same_work(
    harness: DirectoryHarness, lilei: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    work, verify = list[str](), PasswordHash.verify

    def watched(hasher: PasswordHash, password: str, kept: str) -> bool:
        work.append(kept.rsplit("$", 2)[0])
        return verify(hasher, password, kept)

    monkeypatch.setattr(PasswordHash, "verify", watched)
    for username in ("lilei", "nobody"):
        await harness.call("POST", "/v1/token", {"username": username, "password": "not the password"}, token=None)
    known, unknown = work
    assert known == unknown
    assert known.startswith("$argon2id$")


async def test_deactivated_staff_get_no_token(harness: DirectoryHarness, lilei: dict[str, object]) -> None:
    await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"active": False})
    answer = await harness.call("POST", "/v1/token", {"username": "lilei", "password": PASSWORD}, token=None)
    assert answer.status_code == 401


async def test_staff_without_a_password_get_no_token(harness: DirectoryHarness) -> None:
    await harness.make("staff", {"username": "wangfang", "name": "王芳", "roles": ["supervisor"]})
    answer = await harness.call("POST", "/v1/token", {"username": "wangfang", "password": "nobody has this password"})
    assert answer.status_code == 401


async def test_ten_wrong_passwords_answer_401_and_the_eleventh_429(
    harness: DirectoryHarness, lilei: dict[str, object]
) -> None:
    for _ in range(10):
        assert (await harness.call("POST", "/v1/token", WRONG, token=None)).status_code == 401
    refused = await harness.call("POST", "/v1/token", WRONG, token=None)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 300


async def test_right_password_waits_too_once_too_many_were_wrong(
    harness: DirectoryHarness, lilei: dict[str, object]
) -> None:
    await asyncio.gather(*(harness.call("POST", "/v1/token", WRONG, token=None) for _ in range(10)))
    answer = await harness.call("POST", "/v1/token", {"username": "lilei", "password": PASSWORD}, token=None)
    assert answer.status_code == 429


async def test_guesses_at_one_user_do_not_hold_up_another(harness: DirectoryHarness, lilei: dict[str, object]) -> None:
    await asyncio.gather(*(harness.call("POST", "/v1/token", WRONG, token=None) for _ in range(11)))
    assert await harness.sign_in("admin")


async def test_signing_in_often_is_no_guessing(harness: DirectoryHarness, lilei: dict[str, object]) -> None:
    for _ in range(12):
        assert await harness.sign_in("lilei")


async def test_guesses_all_at_once_are_bounded_too(harness: DirectoryHarness, lilei: dict[str, object]) -> None:
    answers = await asyncio.gather(*(harness.call("POST", "/v1/token", WRONG, token=None) for _ in range(30)))
    assert sum(answer.status_code == 401 for answer in answers) == 10


async def test_own_password_is_changed_with_the_current_one(
    harness: DirectoryHarness, lilei: dict[str, object]
) -> None:
    token = await harness.sign_in("lilei")
    body = {"current": PASSWORD, "new": "another good one"}
    assert (await harness.call("POST", "/v1/me/password", body, token=token)).status_code == 200
    assert await harness.sign_in("lilei", "another good one")
    old = await harness.call("POST", "/v1/token", {"username": "lilei", "password": PASSWORD}, token=None)
    assert old.status_code == 401


async def test_own_password_stays_when_the_current_one_is_wrong(
    harness: DirectoryHarness, lilei: dict[str, object]
) -> None:
    token = await harness.sign_in("lilei")
    refused = await harness.call(
        "POST", "/v1/me/password", {"current": "wrong", "new": "another good one"}, token=token
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/current"
    assert await harness.sign_in("lilei")


async def test_repeated_password_change_is_replayed(harness: DirectoryHarness, lilei: dict[str, object]) -> None:
    token = await harness.sign_in("lilei")
    body = {"current": PASSWORD, "new": "another good one"}
    first = await harness.call("POST", "/v1/me/password", body, token=token, idempotency_key="once")
    again = await harness.call("POST", "/v1/me/password", body, token=token, idempotency_key="once")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotent-Replay"] == "true"


async def test_password_of_nine_characters_is_too_weak_and_of_ten_is_not(
    harness: DirectoryHarness, lilei: dict[str, object]
) -> None:
    refused = await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"password": "123456789"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/password"
    assert (await harness.call("PATCH", f"/v1/staff/{lilei['id']}", {"password": "1234567890"})).status_code == 200


async def test_key_has_no_password_to_change(harness: DirectoryHarness) -> None:
    body = {"current": PASSWORD, "new": "another good one"}
    assert (await harness.call("POST", "/v1/me/password", body, token=ADMIN_KEY)).status_code == 403


async def test_token_gives_no_more_here_than_the_person_still_has(harness: DirectoryHarness) -> None:
    second = await harness.hire("sunlei", "孙磊", "admin")
    token = await harness.sign_in("sunlei")
    assert (await harness.call("GET", "/v1/directory-audit", token=token)).status_code == 403
    await harness.call("PATCH", f"/v1/staff/{second['id']}", {"roles": ["clerk"]})
    body = {"username": "friend", "name": "朋友", "roles": ["admin"]}
    assert (await harness.call("POST", "/v1/staff", body, token=token)).status_code == 403
    await harness.call("PATCH", f"/v1/staff/{second['id']}", {"active": False})
    assert (await harness.call("GET", "/v1/me", token=token)).status_code == 401


async def test_incomplete_sign_in_is_a_422(harness: DirectoryHarness) -> None:
    incomplete: list[dict[str, object]] = [
        {},
        {"username": "lilei"},
        {"username": 1, "password": []},
        {"username": "x" * 5000, "password": PASSWORD},
    ]
    for body in incomplete:
        assert (await harness.call("POST", "/v1/token", body, token=None)).status_code == 422
