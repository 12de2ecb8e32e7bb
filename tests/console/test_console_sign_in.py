"""Signing in to the console: who is let in, what the cookie is, and that nothing typed is lost when it ends."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from services.contracts.directory import StaffRole
from services.runtime.security.auth import mint_token
from tests.console.page_client import Html, PageClient, path_in
from tests.services.system import System

Visit = Callable[..., PageClient]
PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
async def username(system: System) -> str:
    """A clerk who has a password."""
    body = {
        "username": "hanlei",
        "name": "韩雷",
        "roles": [StaffRole.CLERK],
        "department": "after-sales",
        "password": PASSWORD,
    }
    answer = await system.call("POST", "/v1/staff", body, by="admin")
    assert answer.status_code == 201
    return "hanlei"


def expired(system: System, name: str) -> str:
    """A token of this person that has ended."""
    return mint_token(
        system.signing_key,
        staff_id=system.ids[name],
        name=name,
        username="u",
        roles=["clerk"],
        department="after-sales",
        lifetime=timedelta(seconds=-1),
    )


async def test_a_page_asks_for_the_sign_in_first_and_leads_back_to_where_the_reader_was_going(
    visit: Visit, username: str
) -> None:
    nobody = visit()
    asked = await nobody.http.get("/board?kind=complaint")
    assert asked.status_code == 303
    page = await nobody.get(path_in(asked))
    answer = await nobody.post("/sign-in", page.form("/sign-in").filled(username=username, password=PASSWORD))
    assert path_in(answer) == "/board?kind=complaint"
    assert "韩雷" in (await nobody.get("/board")).text


async def test_the_token_is_out_of_reach_of_scripts_and_of_other_sites(visit: Visit, username: str) -> None:
    answer = await visit().post("/sign-in", {"username": username, "password": PASSWORD, "target": "/board"})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=3600" in cookie
    assert PASSWORD not in cookie


async def test_a_wrong_password_says_so_and_keeps_the_user_name_but_not_the_password(
    visit: Visit, username: str
) -> None:
    answer = await visit().post("/sign-in", {"username": username, "password": "wrong wrong wrong", "target": "/board"})
    assert answer.status_code == 401
    page = Html(answer.text)
    assert "用户名或密码不正确" in page.text
    assert ("username", username) in page.form("/sign-in").fields
    assert "wrong wrong wrong" not in answer.text


@pytest.mark.parametrize("target", ["//evil.example/board", "https://evil.example", "/\\evil.example", "board", ""])
async def test_the_sign_in_never_leads_to_another_site(visit: Visit, username: str, target: str) -> None:
    answer = await visit().post("/sign-in", {"username": username, "password": PASSWORD, "target": target})
    assert path_in(answer) == "/"
    assert "evil" not in answer.headers["location"]


async def test_signing_out_forgets_the_token(visit: Visit, username: str) -> None:
    client = visit()
    await client.post("/sign-in", {"username": username, "password": PASSWORD, "target": "/board"})
    assert (await client.http.get("/board")).status_code == 200
    assert path_in(await client.post("/sign-out", {})) == "/sign-in"
    assert path_in(await client.http.get("/board")).startswith("/sign-in")


async def test_what_was_typed_when_the_sign_in_ended_is_kept_and_sent_once_after_it(
    system: System, visit: Visit, username: str
) -> None:
    ticket_no = await system.accepted()
    form = (await visit("李雷").get(f"/tickets/{ticket_no}")).form("/respond")
    late = PageClient(system.url, expired(system, "李雷"), {})
    answer = await late.post(form.action, form.filled(message="我写了很久的回复"))
    assert answer.status_code == 401
    asked = Html(answer.text)
    assert "登录已过期" in asked.text
    assert "已保留" in asked.text
    again = await late.post("/sign-in", asked.form("/sign-in").filled(username=username, password=PASSWORD))
    assert again.status_code == 200
    waiting = Html(again.text).form(f"/tickets/{ticket_no}/respond")
    assert ("message", "我写了很久的回复") in waiting.fields
    for _ in range(2):
        assert (await late.post(waiting.action, waiting.filled())).status_code == 303
    timeline = await system.get(f"/v1/tickets/{ticket_no}/timeline")
    assert [item["data"].get("message") for item in timeline["items"]].count("我写了很久的回复") == 1


async def test_a_password_is_never_carried_through_the_sign_in(system: System) -> None:
    late = PageClient(system.url, expired(system, "李雷"), {})
    answer = await late.post("/tickets/new", {"password": "hunter2hunter2", "description": "冰箱不制冷"})
    assert answer.status_code == 401
    assert "hunter2" not in answer.text
    assert "冰箱不制冷" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
async def test_a_post_that_another_site_caused_changes_nothing(
    system: System, visit: Visit, headers: dict[str, str]
) -> None:
    ticket_no = await system.accepted()
    client = visit("李雷")
    form = (await client.get(f"/tickets/{ticket_no}")).form("/respond")
    answer = await client.http.post(form.action, data=form.filled(message="伪造"), headers=headers)
    assert answer.status_code == 403
    assert "来源" in Html(answer.text).text
    timeline = await system.get(f"/v1/tickets/{ticket_no}/timeline")
    assert "ticket.responded" not in [item["type"] for item in timeline["items"]]


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "没有找到"), ("en", "Not found")])
async def test_an_error_is_told_in_the_readers_language_with_a_next_step(
    visit: Visit, language: str, words: str
) -> None:
    page = await visit("李雷", Accept_Language=language).get("/tickets/19990101001", status=404)
    assert words in page.text
    assert page.address("看板" if language == "zh-CN" else "board")


async def test_a_chosen_language_stays(visit: Visit) -> None:
    client = visit("李雷")
    assert "Board" in (await client.get("/board", lang="en")).text
    assert "Board" in (await client.get("/board")).text


async def test_pages_allow_no_foreign_and_no_inline_script(visit: Visit) -> None:
    answer: httpx.Response = await visit("李雷").http.get("/board")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    page = Html(answer.text)
    assert not [given for _, given in page.tags if any(name.startswith("on") or name == "style" for name in given)]
    sources = [given.get("src") or given.get("href") for tag, given in page.tags if tag in {"script", "link"}]
    assert all(source and source.startswith("/static/") for source in sources)


async def test_files_are_kept_for_good_under_an_address_that_names_their_version(visit: Visit) -> None:
    client = visit()
    page = await client.get("/sign-in")
    address = next(str(given["href"]) for tag, given in page.tags if str(given.get("href")).endswith("console.css"))
    answer = await client.http.get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    _, _, version, name = address.split("/")
    assert (await client.http.get(f"/static/{'0' * len(version)}/{name}")).status_code == 404
    assert (await client.http.get(f"/static/{version}/../service.py")).status_code == 404


async def test_a_page_without_an_icon_of_its_own_gets_the_console_s(visit: Visit) -> None:
    client = visit()
    answer = await client.http.get("/favicon.ico")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    page = await client.get("/sign-in")
    own = next(str(given["href"]) for tag, given in page.tags if tag == "link" and given.get("rel") == "icon")
    assert answer.content == (await client.http.get(own)).content
