"""The page about oneself, and the end of a sign-in: of a cookie as of a token, in every place."""

from collections.abc import Callable

import pytest

from services.contracts.directory import StaffRole
from tests.console.page_client import Html, PageClient, path_in
from tests.services.system import System, until

Visit = Callable[..., PageClient]
PASSWORD, NEW = "a long enough password", "another good one"


@pytest.fixture
async def names(system: System) -> str:
    """The user name of somebody hired for one test alone."""
    username = f"own{len(system.ids)}"
    body = {"username": username, "name": "韩雪", "roles": [StaffRole.SUPERVISOR], "password": PASSWORD}
    answer = await system.call("POST", "/v1/staff", body, by="admin")
    assert answer.status_code == 201
    system.ids[username] = answer.json()["id"]
    return username


async def signed_in(visit: Visit, username: str, password: str = PASSWORD) -> PageClient:
    """A browser of theirs."""
    client = visit()
    answer = await client.post("/sign-in", {"username": username, "password": password, "target": "/board"})
    assert answer.status_code == 303
    return client


async def is_out(client: PageClient) -> bool:
    """Whether the board asks for the sign-in."""
    answer = await client.http.get("/board")
    return answer.status_code == 303 and path_in(answer).startswith("/sign-in")


async def test_the_own_password_is_changed_and_every_other_browser_is_signed_out(visit: Visit, names: str) -> None:
    mine, other = await signed_in(visit, names), await signed_in(visit, names)
    page = await mine.get("/account")
    assert {"韩雪", names, "客服主管", "全中心"} <= set(page.text.split())
    sent = page.form("/account/password").filled(current=PASSWORD, new=NEW, repeated=NEW)
    answer = await mine.post("/account/password", sent)
    assert path_in(answer) == "/account?done=password"
    assert "密码已修改" in (await mine.get("/account", done="password")).text
    again = await mine.post("/account/password", sent)
    assert again.status_code == 303, "a second click is no second change"
    await until(lambda: is_out(other))
    assert not await is_out(mine)
    assert not await is_out(await signed_in(visit, names, NEW))


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"current": "wrong wrong"}, "current", "当前密码不正确"),
        ({"new": "123456789", "repeated": "123456789"}, "new", "至少 10 个字符"),
        ({"repeated": "another good on"}, "repeated", "不一致"),
        ({"repeated": NEW + " "}, "repeated", "不一致"),
        ({"current": ""}, "current", "必填"),
    ],
)
async def test_what_is_wrong_stands_at_its_field_and_no_password_is_shown_again(
    visit: Visit, names: str, typed: dict[str, str], field: str, said: str
) -> None:
    client = await signed_in(visit, names)
    form = (await client.get("/account")).form("/account/password")
    given = {"current": PASSWORD, "new": NEW, "repeated": NEW, **typed}
    answer = await client.post("/account/password", form.filled(**given))
    assert answer.status_code == 422
    page = Html(answer.text)
    assert [each["id"] for tag, each in page.tags if each.get("class") == "field-error"] == [f"f-{field}-error"]
    assert said in page.text
    assert not any(value and value in answer.text for value in given.values())


async def test_signing_out_ends_the_session_also_for_whoever_kept_its_cookie(visit: Visit, names: str) -> None:
    mine = await signed_in(visit, names)
    cookie = mine.http.cookies["bihuan_session"]
    await mine.post("/sign-out", {})
    assert "bihuan_session" not in mine.http.cookies
    mine.http.cookies.set("bihuan_session", cookie)
    await until(lambda: is_out(mine))


async def test_pages_follow_changed_roles_within_seconds(system: System, visit: Visit, names: str) -> None:
    mine = await signed_in(visit, names)
    assert "看板" in (await mine.get("/account")).text
    await system.call("PATCH", f"/v1/staff/{system.ids[names]}", {"roles": ["admin"]}, by="admin")

    async def administers() -> bool:
        text = (await mine.get("/account")).text
        return "密钥" in text and "看板" not in text

    await until(administers)


async def test_the_sign_in_page_says_what_to_do_about_a_forgotten_password(visit: Visit) -> None:
    for language, words in (("zh-CN", "请管理员"), ("en", "Ask an administrator")):
        assert words in (await visit(None, Accept_Language=language).get("/sign-in")).text
