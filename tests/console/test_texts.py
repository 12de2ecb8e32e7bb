"""The texts of notices: tried out on sample facts, changed, and refused where they cannot be written."""

from collections.abc import Callable

from tests.console.page_client import Html, PageClient

Visit = Callable[..., PageClient]
PATH = "/keys/texts/chase.en"


async def test_every_text_is_listed_in_both_languages(visit: Visit) -> None:
    page = await visit("孙磊").get("/keys/texts")
    links = [href for href, _ in page.links]
    for kind in ("received", "accepted", "progress", "closed", "survey", "breach"):
        assert f"/keys/texts/{kind}.zh-CN" in links
        assert f"/keys/texts/{kind}.en" in links


async def test_a_text_is_tried_before_it_is_stored(visit: Visit) -> None:
    admin = visit("孙磊")
    form = (await admin.get(PATH)).form(PATH)
    shown = await admin.send(form, subject="Please look at {{ ticket_no }}", preview="1")
    assert "Please look at 2026" in shown.text
    assert "Please look at" not in (await admin.get(PATH)).source


async def test_a_text_is_stored_and_the_slower_of_two_is_told(visit: Visit) -> None:
    admin, slower = visit("孙磊"), visit("孙磊")
    late = (await slower.get(PATH)).form(PATH)
    form = (await admin.get(PATH)).form(PATH)
    assert "已保存" in (await admin.send(form, subject="Look at {{ ticket_no }} now")).text
    refused = Html((await slower.post(late.action, late.filled(subject="Mine"))).text)
    assert "有人刚刚修改" in refused.text
    assert refused.form(PATH).filled()["subject"] == ["Mine"]


async def test_a_text_that_cannot_be_written_is_refused_at_its_field(visit: Visit) -> None:
    admin = visit("孙磊")
    form = (await admin.get(PATH)).form(PATH)
    answer = await admin.post(form.action, form.filled(text="{% if %}"))
    assert answer.status_code == 422
    shown = Html(answer.text)
    assert any(given.get("id") == "text-error" for _, given in shown.tags)
    assert shown.form(PATH).filled()["text"] == ["{% if %}"]


async def test_clerks_do_not_see_the_texts(visit: Visit) -> None:
    assert (await visit("李雷").http.get("/keys/texts")).status_code == 403
