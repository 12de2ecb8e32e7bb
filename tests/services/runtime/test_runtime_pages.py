"""Pages for everybody: language, headers, forms within bounds, and refusals that a person can read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import APIRouter, Request, Response

from services.runtime.errors import Conflict, Unavailable
from services.runtime.http.app import create_app
from services.runtime.http.edge import Bounds
from services.runtime.pages.forms import Filled, new_key, read_form, require_key
from services.runtime.pages.frame import Pages, page_router, see_other
from services.runtime.pages.refusals import refusal_pages
from services.runtime.pages.times import day, moment, offset
from services.runtime.settings import RuntimeSettings
from services.wording import Wording

SETTINGS = RuntimeSettings(organisation="海风家电", help_line="400-800-1234")
WORDS = 'hello = ["你好，{name}", "Hello, {name}"]\nwish = ["愿望", "Wish"]'
TEMPLATE = """{% extends "public.html" %}{% import "fields.html" as fields with context %}
{% block main %}{{ fields.summary(form, {"wish": t("wish")}) }}<p>{{ t("hello", name=form.value("wish")) }}</p>
{{ fields.area(form, "wish", t("wish"), required=true) }}{{ fields.text(form, "size", "Size", hint="in cm") }}
{{ fields.choices(form, "colour", "Colour", [("red", "Red"), ("blue", "Blue", "like the sky")]) }}
{{ fields.select(form, "place", "Place", [("a", "A")]) }}{{ fields.tick(form, "sure", "Sure") }}{% endblock %}"""


def _router(folder: Path) -> APIRouter:
    (folder / "wish.html").write_text(TEMPLATE)
    (folder / "words.toml").write_text(WORDS, encoding="utf-8")
    pages, router = Pages(folder, Wording(folder / "words.toml"), SETTINGS), page_router()

    @router.get("/wish")
    async def show(request: Request) -> Response:
        return pages.answer(request, "wish.html", form=Filled(), otherwise="en")

    @router.post("/wish")
    async def send(request: Request) -> Response:
        form = await read_form(request, most_fields=5)
        require_key(form)
        if not form.one("wish"):
            wrong = Filled(form.typed(), {"wish": "say it"})
            return pages.answer(request, "wish.html", status=422, form=wrong)
        if form.one("wish") == "moon":
            raise Unavailable(retry_after=7)
        return see_other("/wish?done=1")

    @router.get("/broken")
    async def broken(request: Request) -> Response:
        raise Conflict

    return router


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> APIRouter:
    return _router(tmp_path_factory.mktemp("templates"))


@pytest.fixture
async def browser(router: APIRouter) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without JavaScript, in front of one page and one endpoint of an API."""
    api = APIRouter()

    @api.post("/v1/wishes")
    async def wishes(body: dict[str, int]) -> dict[str, int]:
        return body

    app = create_app(
        "pages", router, api, settings=SETTINGS, authenticator=None, bounds=Bounds(10_000, 5, 5), limited=False,
        refuse=refusal_pages(SETTINGS),
    )  # fmt: skip
    transport = httpx.ASGITransport(app)
    headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop", headers=headers) as client:
        yield client


def _sent(**fields: str) -> dict[str, str]:
    return {"key": new_key(), **fields}


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "language"),
    [
        ("?lang=zh-CN", "en", "en", "zh-CN"),
        ("?lang=en", "zh-CN", "zh", "en"),
        ("?lang=tlh", "zh-CN", "en", "zh-CN"),
        ("", "zh-CN", "en", "zh-CN"),
        ("", "tlh", "zh-TW,en;q=0.5", "zh-CN"),
        ("", None, "en-GB", "en"),
        ("", None, "fr", "en"),
        ("", None, "", "en"),
    ],
)
async def test_the_language_is_the_chosen_one_then_the_browser_s_then_the_page_s(
    browser: httpx.AsyncClient, query: str, cookie: str | None, accept: str, language: str
) -> None:
    headers = {"Accept-Language": accept} | ({"Cookie": f"bihuan_language={cookie}"} if cookie else {})
    answer = await browser.get(f"/wish{query}", headers=headers)
    assert answer.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in answer.text
    assert ("愿望" in answer.text) is (language == "zh-CN")
    assert ("set-cookie" in answer.headers) is (query in {"?lang=zh-CN", "?lang=en"})


async def test_a_page_runs_no_script_loads_nothing_from_elsewhere_and_is_kept_nowhere(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.get("/wish")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("http-equiv", "")


async def test_what_was_typed_stays_and_the_error_stands_at_its_field(browser: httpx.AsyncClient) -> None:
    typed = _sent(wish=" ", size='"><script>alert(1)</script>', colour="blue", sure="yes")
    answer = await browser.post("/wish", data=typed)
    assert answer.status_code == 422
    assert "&lt;script&gt;" in answer.text
    assert "<script>" not in answer.text
    assert 'value="blue" checked' in answer.text
    assert 'value="yes" checked' in answer.text
    assert 'aria-describedby="e-wish" aria-invalid="true" autofocus' in answer.text
    assert '<a href="#f-wish">' in answer.text
    assert 'aria-describedby="h-size"' in answer.text


async def test_a_form_is_followed_by_another_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/wish", data=_sent(wish="snow"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/wish?done=1")
    answer = await browser.post("/wish", files={"wish": (None, "snow"), "key": (None, new_key())})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://shop"}, 403),
        ({"Origin": "http://shop"}, 303),
        ({"Origin": "null"}, 303),
        ({"Origin": "http://elsewhere"}, 403),
        ({"Origin": "http://shop.elsewhere"}, 403),
    ],
)
async def test_a_form_of_another_site_is_refused(
    browser: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    assert (await browser.post("/wish", data=_sent(wish="snow"), headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"wish=%00", "application/x-www-form-urlencoded", 400),
        (b"wish=%ED%A0%80", "application/x-www-form-urlencoded", 400),
        (b"wish=%FF", "application/x-www-form-urlencoded", 400),
        (b"\xff=\xfe", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=b"] * 6), "application/x-www-form-urlencoded", 400),
        (b"&" * 9_000, "application/x-www-form-urlencoded", 400),
        (b"wish=snow", "application/x-www-form-urlencoded", 400),
        (b"wish=snow&key=x", "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"wish=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"--x\r\nrubbish", "multipart/form-data; boundary=x", 400),
        (b"wish=snow", "multipart/form-data", 400),
        (b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--\r\n',
         "multipart/form-data; boundary=x", 400),
        (b"{}", "application/json", 415),
        (b"{", "application/json", 400),
        (b"", "", 415),
        (b"<wish/>", "application/xml", 415),
    ],
)  # fmt: skip
async def test_a_body_that_is_no_form_of_ours_gets_a_page_that_says_so(
    browser: httpx.AsyncClient, body: bytes, kind: str, status: int
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await browser.post("/wish", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "400-800-1234" in answer.text


async def test_refusals_on_pages_are_pages_and_elsewhere_problem_documents(browser: httpx.AsyncClient) -> None:
    lost = await browser.get("/nowhere")
    assert (lost.status_code, lost.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    program = await browser.get("/nowhere", headers={"Accept": "*/*"})
    assert (program.status_code, program.headers["Content-Type"]) == (404, "application/problem+json")
    api = await browser.post("/v1/wishes", json={"a": "b"})
    assert (api.status_code, api.headers["Content-Type"]) == (422, "application/problem+json")
    assert api.json()["errors"][0]["pointer"] == "/a"
    assert (await browser.get("/v1/wishes")).json()["code"] == "method_not_allowed"
    wrong_method = await browser.delete("/wish")
    assert wrong_method.status_code == 405
    assert "<html" in wrong_method.text
    assert (await browser.get("/broken")).status_code == 409


async def test_a_page_that_is_not_available_says_when_to_come_back(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/wish", data=_sent(wish="moon"), headers={"Accept-Language": "zh"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert "暂时不可用" in answer.text


def test_instants_are_shown_in_the_business_time_zone() -> None:
    zone, at = ZoneInfo("Asia/Shanghai"), datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    shown: dict[str, Any] = {"now": at, "zone": zone}
    assert moment(at, language="zh-CN", **shown) == (
        '<time datetime="2026-11-23T00:30:00+08:00">11月23日（周一） 00:30</time>'
    )
    assert moment(at, language="en", **shown) == (
        '<time datetime="2026-11-23T00:30:00+08:00">Mon 23 November, 00:30</time>'
    )
    later: dict[str, Any] = {"now": datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "zone": zone}
    assert "2026年11月23日" in moment(at, language="zh-CN", **later)
    assert "23 November 2026" in moment(at, language="en", **later)
    assert day(at.date(), "zh-CN") == '<time datetime="2026-11-22">2026年11月22日</time>'
    assert offset(zone, at) == "UTC+08:00"
    assert offset(ZoneInfo("America/St_Johns"), at) == "UTC-03:30"
