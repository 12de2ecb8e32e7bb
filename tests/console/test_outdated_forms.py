"""Two who change the same thing: the slower one is told what it is now, and loses nothing of what they typed."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from services.contracts.directory import Scope
from tests.console.page_client import Html, PageClient
from tests.services.system import System

Visit = Callable[..., PageClient]
ADMIN = "孙磊"


@dataclass(frozen=True)
class Edited:
    """One thing and a form of it: where it is shown, how a colleague changes it, and what is typed in between."""

    page: str
    form: str
    stored: str
    change: tuple[str, Mapping[str, Any]]
    typed: tuple[str, str]
    shown: str = ""


async def _made(system: System, collection: str, body: Mapping[str, Any]) -> str:
    answer = await system.call("POST", collection, body, by="admin")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _person(system: System) -> Edited:
    new = {"username": f"u{secrets.token_hex(4)}", "name": "甲", "roles": ["clerk"], "department": "after-sales"}
    path = await _made(system, "/v1/staff", new)
    change = ("PATCH", {"department": "logistics"})
    return Edited("/people", f"/people/{path}", f"/v1/staff/{path}", change, ("name", "甲乙"), "现为：")


async def _hours(system: System) -> Edited:
    person = await _person(system)
    change = ("PATCH", {"hours": {"mon": {"09:00": "12:00"}}, "time_zone": "Asia/Shanghai"})
    return Edited(person.page, person.form, person.stored, change, ("hours.tue", "10:00-11:00"), "现为：09:00–12:00")


async def _department(system: System) -> Edited:
    id_ = await _made(system, "/v1/departments", {"name": "仓库", "id": f"d{secrets.token_hex(4)}"})
    change = ("PATCH", {"name": "东仓"})
    path = f"/people/departments/{id_}"
    return Edited("/people/departments", path, f"/v1/departments/{id_}", change, ("name", "西仓"), "现为：东仓")


async def _key(system: System) -> Edited:
    name = f"键{secrets.token_hex(4)}"
    await system.issue_key(name, Scope.TICKETS_READ)
    id_ = system.ids[name]
    return Edited(
        "/keys", f"/keys/{id_}", f"/v1/api-keys/{id_}", ("PATCH", {"name": "新名"}), ("name", "旧名"), "现为：新名"
    )


async def _webhook(system: System) -> Edited:
    id_ = await _made(system, "/v1/webhooks", {"url": "http://127.0.0.1:9/outdated"})
    change = ("PATCH", {"active": False})
    path = f"/keys/webhooks/{id_}"
    return Edited("/keys/webhooks", path, f"/v1/webhooks/{id_}", change, ("description", "ERP"), "现为：未勾选")


async def _shift(system: System) -> Edited:
    span = {"from_at": "2098-01-01T00:00:00Z", "to_at": "2098-01-02T00:00:00Z"}
    id_ = await _made(system, "/v1/on-call", {"staff": system.ids["李雷"], **span})
    change = ("PATCH", {"staff": system.ids["林涛"]})
    path = f"/people/on-call/{id_}"
    return Edited("/people/on-call", path, f"/v1/on-call/{id_}", change, ("to_at", "2098-01-03T00:00"), "现为：林涛")


async def _quiet(_: System) -> Edited:
    off = {"customer": None, "staff": None}
    night = {"from": f"2{secrets.randbelow(4)}:{secrets.randbelow(60):02}", "to": "08:00", "time_zone": "Asia/Shanghai"}
    change = ("PUT", {**off, "customer": night})
    return Edited(
        "/quiet-hours", "/quiet-hours", "/v1/quiet-hours", change, ("staff.from", "23:15"), f"现为：{night['from']}"
    )


async def _text(_: System) -> Edited:
    path, subject = "progress.en", f"News {secrets.token_hex(4)}"
    change = ("PUT", {"subject": subject, "text": "Hello"})
    return Edited(
        f"/keys/texts/{path}",
        f"/keys/texts/{path}",
        f"/v1/notice-templates/{path}",
        change,
        ("subject", "Mine"),
        subject,
    )


async def _ladder(system: System) -> Edited:
    id_ = f"l{secrets.token_hex(4)}"
    body = await system.get("/v1/ladders/default", by=ADMIN)
    draft = {name: body[name] for name in ("title", "breach", "low_rating") if name in body}
    await system.call("PUT", f"/v1/ladders/{id_}", draft, by=ADMIN)
    page = f"/ladders/{id_}/edit"
    return Edited(
        page, page, f"/v1/ladders/{id_}", ("PUT", {**draft, "title": {"en": "Theirs"}}), ("text", "breach: mine")
    )


async def _calendar(system: System) -> Edited:
    id_ = f"c{secrets.token_hex(4)}"
    draft = {"time_zone": "Asia/Shanghai", "hours": {"mon": {"09:00": "12:00"}}}
    await system.call("PUT", f"/v1/calendars/{id_}", draft, by=ADMIN)
    page, change = f"/calendars/{id_}/edit", ("PUT", {**draft, "country": "CN"})
    return Edited(page, page, f"/v1/calendars/{id_}", change, ("hours.tue", "10:00-11:00"), "现为：CN")


async def _wrong_calendar(system: System) -> Edited:
    calendar = await _calendar(system)
    return Edited(calendar.page, calendar.form, calendar.stored, calendar.change, ("hours.tue", "mornings"))


async def _day(system: System) -> Edited:
    calendar = await _calendar(system)
    page = calendar.page.removesuffix("/edit")
    return Edited(f"{page}?day=2026-12-28", f"{page}/day", calendar.stored, calendar.change, ("hours", "10:00-11:00"))


async def _policy(system: System, way: str = "edit", typed: tuple[str, str] = ("title.en", "Mine")) -> Edited:
    id_ = f"p{secrets.token_hex(4)}"
    draft = {
        "applies": [{"channel": ["social"], "kind": ["praise"], "department": ["logistics"]}],
        "clocks": {"response": {"target": {"*": "P3WD"}}},
    }
    await system.call("PUT", f"/v1/policies/{id_}", draft, by=ADMIN)
    page, change = f"/policies/{id_}/{way}", ("PUT", {**draft, "title": {"en": "Theirs"}})
    return Edited(page, page, f"/v1/policies/{id_}", change, typed)


async def _yaml(system: System) -> Edited:
    return await _policy(system, "yaml", ("text", "clocks: mine"))


KINDS = [_person, _hours, _department, _key, _webhook, _shift, _quiet, _text, _ladder, _calendar, _wrong_calendar, _day,
         _policy, _yaml]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
async def test_the_slower_of_two_is_shown_the_new_state_and_keeps_what_they_typed(
    system: System, visit: Visit, kind: Callable[[System], Awaitable[Edited]]
) -> None:
    edited, admin = await kind(system), visit(ADMIN)
    form = (await admin.get(edited.page)).form(edited.form)
    method, body = edited.change
    changed = await system.call(method, edited.stored, body, by="admin")
    assert changed.status_code == 200, changed.text
    before = await system.get(edited.stored, by="admin")
    name, value = edited.typed
    late = await admin.post(form.action, {**form.filled(), name: value})
    shown = Html(late.text)
    assert (late.status_code, await system.get(edited.stored, by="admin")) == (409, before)
    assert any(given.get("id") == "said" and given.get("role") == "alert" for _, given in shown.tags)
    assert "有人" in shown.text
    assert edited.shown in shown.text
    again = shown.form(edited.form).filled()
    assert again[name] == [value]
    checked = await admin.post(form.action, {**form.filled(), name: value, "check": "1", "preview": "1"})
    assert checked.status_code == 409, "neither a fault nor a preview makes an outdated form a new one"
    english = await visit(ADMIN, Accept_Language="en").post(form.action, {**form.filled(), name: value})
    assert (english.status_code, "omebody" in english.text) == (409, True)
    carried = {"basis", "version"}
    assert carried & set(again)
    of_a_script = {each: its for each, its in again.items() if each not in carried}
    assert (await admin.post(form.action, of_a_script)).status_code in {303, 422}, "it means it as it is"


@pytest.mark.parametrize("kind", [_person, _webhook, _shift], ids=["person", "webhook", "shift"])
async def test_a_form_that_is_sent_twice_is_no_change_by_somebody_else(
    system: System, visit: Visit, kind: Callable[[System], Awaitable[Edited]]
) -> None:
    edited, admin = await kind(system), visit(ADMIN)
    form = (await admin.get(edited.page)).form(edited.form)
    sent = form.filled(**{edited.typed[0]: edited.typed[1]})
    assert [(await admin.post(form.action, sent)).status_code for _ in range(2)] == [303, 303]


@pytest.mark.parametrize("kind", [_shift, _text, _policy], ids=["shift", "text", "policy"])
async def test_who_may_not_change_a_thing_is_told_that_first(
    system: System, visit: Visit, kind: Callable[[System], Awaitable[Edited]]
) -> None:
    edited = await kind(system)
    form = (await visit(ADMIN).get(edited.page)).form(edited.form)
    await system.call(edited.change[0], edited.stored, edited.change[1], by="admin")
    sent = {**form.filled(), edited.typed[0]: edited.typed[1]}
    assert (await visit("王芳").post(form.action, sent)).status_code == 403


@pytest.mark.parametrize("kind", [_webhook, _shift], ids=["webhook", "shift"])
async def test_what_was_typed_for_something_that_is_gone_stands_in_the_form_that_adds_it(
    system: System, visit: Visit, kind: Callable[[System], Awaitable[Edited]]
) -> None:
    edited, admin = await kind(system), visit(ADMIN)
    form = (await admin.get(edited.page)).form(edited.form)
    assert (await system.call("DELETE", edited.stored, by="admin")).status_code in {200, 204}
    name, value = edited.typed
    late = await admin.post(form.action, form.filled(**{name: value}))
    shown = Html(late.text)
    assert late.status_code == 409
    assert "已被删除" in shown.text
    assert shown.form(edited.page).filled()[name] == [value]
    removed = await admin.post(form.action, form.filled(remove="1"))
    assert removed.status_code == 303, "what was to be removed is removed"


@pytest.mark.parametrize("deed", ["remove", "rotate-secret"])
async def test_nothing_is_removed_or_redrawn_that_was_changed_since_its_page(
    system: System, visit: Visit, deed: str
) -> None:
    edited, admin = await _webhook(system), visit(ADMIN)
    page = await admin.get(edited.page)
    form = page.form(edited.form if deed == "remove" else f"{edited.form}/{deed}")
    asked = await admin.post(form.action, form.filled(remove="1"))
    assert asked.status_code == 200
    await system.call("PATCH", edited.stored, {"url": "http://127.0.0.1:9/in-use"}, by="admin")
    late = await admin.answer(asked)
    assert late.status_code == 409
    assert Html(late.text).form(edited.form).filled()["url"] != [""]
    assert (await system.get(edited.stored, by="admin"))["url"] == "http://127.0.0.1:9/in-use"


async def test_an_order_that_somebody_changed_is_shown_and_a_second_click_moves_nothing(
    system: System, visit: Visit
) -> None:
    first, second = [(await _policy(system)).stored.rpartition("/")[2] for _ in range(2)]
    admin = visit(ADMIN)
    down = {"id": second, "step": "down"}
    form = (await admin.get("/policies")).form("/policies/order").filled(**down)
    order = (await system.get("/v1/policy-order", by=ADMIN))["ids"]
    for _ in range(2):
        assert (await admin.post("/policies/order", form)).status_code == 303
    assert (await system.get("/v1/policy-order", by=ADMIN))["ids"] == [first, second, *order[2:]]
    await system.call("PUT", "/v1/policy-order", {"ids": [*order[2:], first, second]}, by=ADMIN)
    late = await admin.post("/policies/order", form)
    assert (late.status_code, "有人" in Html(late.text).text) == (409, True)
    assert (await system.get("/v1/policy-order", by=ADMIN))["ids"] == [*order[2:], first, second]
    assert (await admin.post("/policies/order", {**down, "step": "up"})).status_code == 303
    await system.call("PUT", "/v1/policy-order", {"ids": order}, by=ADMIN)


async def test_a_policy_of_which_another_version_was_published_is_not_retired_by_an_old_page(
    system: System, visit: Visit
) -> None:
    edited, admin = await _policy(system), visit(ADMIN)
    await system.insist(f"{edited.stored}/publish", {}, by=ADMIN)
    page = edited.page.removesuffix("/edit")
    form = (await admin.get(page)).form("/retire")
    asked = await admin.post(form.action, form.filled())
    assert asked.status_code == 200
    await system.call("PUT", f"{edited.stored}?publish=true", edited.change[1], by=ADMIN)
    late = await admin.answer(asked)
    assert (late.status_code, "有人" in Html(late.text).text) == (409, True)
    assert (await visit("王芳").post(form.action, form.filled())).status_code == 403
    assert (await system.get(edited.stored, by=ADMIN))["retired_at"] is None
    done = await admin.answer(await admin.post(form.action, Html(late.text).form("/retire").filled()))
    assert done.status_code == 303
