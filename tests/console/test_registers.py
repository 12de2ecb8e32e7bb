"""People, departments, shifts and keys: kept by administrators, on pages, without scripts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.directory import Scope
from tests.console.page_client import Html, PageClient
from tests.services.system import System

Visit = Callable[..., PageClient]


def local(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


async def test_an_administrator_adds_somebody_who_can_then_sign_in(system: System, visit: Visit) -> None:
    admin = visit("孙磊")
    page = await admin.get("/people")
    sent = page.form("/people").filled(
        name="何平", username="heping", roles=["handler"], department="after-sales", password="a long enough password"
    )
    answer = await admin.post("/people", sent)
    assert answer.status_code == 303
    assert "何平" in (await admin.get("/people")).text
    await admin.post("/people", sent)
    assert (await admin.get("/people")).text.count("heping") == 1, "the same form sent twice makes one person"
    signed_in = await visit().post(
        "/sign-in", {"username": "heping", "password": "a long enough password", "target": "/board"}
    )
    assert signed_in.status_code == 303


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept_but_the_password(visit: Visit) -> None:
    admin = visit("孙磊")
    page = await admin.get("/people")
    sent = page.form("/people").filled(
        name="短密码", username="short", roles=["clerk"], email="not an address", password="short"
    )
    answer = await admin.post("/people", sent)
    shown = Html(answer.text)
    assert answer.status_code == 422
    again = shown.form("/people").filled()
    assert again["name"] == ["短密码"]
    assert again["roles"] == ["clerk"]
    assert again["password"] == [""]
    assert "没有保存" in shown.text
    assert [given["id"] for tag, given in shown.tags if given.get("class") == "field-error"] == [
        "f-people-email-error",
        "f-people-password-error",
    ]


async def test_somebody_is_moved_and_leaves(system: System, visit: Visit) -> None:
    made = await system.call(
        "POST",
        "/v1/staff",
        {
            "username": "mover",
            "name": "莫愁",
            "roles": ["clerk"],
            "department": "after-sales",
            "email": "m@example.com",
        },
        by="admin",
    )
    path = f"/people/{made.json()['id']}"
    admin = visit("孙磊")
    form = (await admin.get("/people")).form(path)
    await admin.post(path, form.filled(department="logistics", roles=["clerk", "handler"], email=""))
    after = (await system.call("GET", f"/v1/staff/{made.json()['id']}", by="admin")).json()
    assert (after["department"], after["roles"], after["email"]) == ("logistics", ["clerk", "handler"], None)
    assert after["active"]
    left = (await admin.get("/people")).form(path).filled()
    del left["active"]
    asked = await admin.post(path, left)
    assert "停用 莫愁" in Html(asked.text).text
    assert (await system.call("GET", f"/v1/staff/{made.json()['id']}", by="admin")).json()["active"]
    await admin.answer(asked)
    assert not (await system.call("GET", f"/v1/staff/{made.json()['id']}", by="admin")).json()["active"]


async def test_somebody_s_hours_are_typed_as_people_say_them_and_taken_away_again(system: System, visit: Visit) -> None:
    new = {"username": "office-hours", "name": "时常", "roles": ["clerk"], "department": "after-sales"}
    made = (await system.call("POST", "/v1/staff", new, by="admin")).json()["id"]
    admin, path = visit("孙磊"), f"/people/{made}"
    page = await admin.get("/people")
    assert "按工单承诺的日历" in page.text
    await admin.post(path, page.form(path).filled(hours__mon="9:00-12:00，13:30-18:00", hours__sat="10:00-16:00"))
    stored = await system.get(f"/v1/staff/{made}", by="admin")
    assert stored["hours"] == {"mon": {"09:00": "12:00", "13:30": "18:00"}, "sat": {"10:00": "16:00"}}
    assert stored["time_zone"] == "Asia/Shanghai"
    page = await admin.get("/people")
    assert "周一 09:00–12:00, 13:30–18:00; 周六 10:00–16:00 (Asia/Shanghai)" in page.text
    wrong = Html((await admin.post(path, page.form(path).filled(hours__tue="mornings"))).text)
    assert [given["id"] for _, given in wrong.tags if given.get("class") == "field-error"] == [
        f"f-people-{made}-hours.tue-error"
    ]
    over_midnight = Html((await admin.post(path, page.form(path).filled(hours__tue="22:00-06:00"))).text)
    assert [given["id"] for _, given in over_midnight.tags if given.get("class") == "field-error"] == [
        f"f-people-{made}-hours.tue-error"
    ]
    await admin.post(path, page.form(path).filled(hours__mon="", hours__sat="", time_zone=""))
    after = await system.get(f"/v1/staff/{made}", by="admin")
    assert (after["hours"], after["time_zone"]) == (None, None)


async def test_a_department_goes_by_a_calendar_and_its_people_with_it(system: System, visit: Visit) -> None:
    new = {"id": "by-calendar", "name": "按日历部"}
    assert (await system.call("POST", "/v1/departments", new, by="admin")).status_code == 201
    member = {"username": "by-calendar", "name": "历历", "roles": ["clerk"], "department": "by-calendar"}
    await system.call("POST", "/v1/staff", member, by="admin")
    admin, path = visit("孙磊"), "/people/departments/by-calendar"
    form = (await admin.get("/people/departments")).form(path)
    assert {"cn", "always"} <= set(form.choices["calendar"])
    await admin.post(path, form.filled(calendar="cn"))
    departments = {each["id"]: each for each in (await system.get("/v1/departments", by="admin"))["items"]}
    assert departments["by-calendar"]["calendar"] == "cn"
    assert "按日历 中国工作日历 联系" in (await admin.get("/people/departments")).text
    assert "按部门日历 中国工作日历" in (await admin.get("/people")).text
    await admin.post(path, (await admin.get("/people/departments")).form(path).filled(calendar=""))
    assert "按部门日历 中国工作日历" not in (await admin.get("/people")).text


async def test_a_new_key_is_shown_once(system: System, visit: Visit) -> None:
    admin = visit("孙磊")
    sent = (await admin.get("/keys")).form("/keys").filled(name="商城", scopes=["feedback:write"])
    shown = Html((await admin.post("/keys", sent)).text)
    secret = next(given["value"] for _, given in shown.tags if given.get("id") == "secret")
    assert secret
    assert (await system.call("GET", "/v1/me", by=None, Authorization=f"Bearer {secret}")).json()["name"] == "商城"
    later = await admin.get("/keys")
    assert secret not in later.source
    assert "商城" in later.text


async def test_a_key_is_revoked_only_after_a_question_and_renamed_without_one(system: System, visit: Visit) -> None:
    await system.issue_key("将吊销", Scope.TICKETS_READ)
    path, admin = f"/keys/{system.ids['将吊销']}", visit("孙磊")
    renamed = await admin.post(path, (await admin.get("/keys")).form(path).filled(name="已改名"))
    assert renamed.status_code == 303
    revoked = (await admin.get("/keys")).form(path).filled()
    del revoked["active"]
    asked = await admin.post(path, revoked)
    assert "吊销密钥 已改名" in Html(asked.text).text
    assert (await system.call("GET", "/v1/me", by="将吊销")).status_code == 200
    await admin.answer(asked)
    again = (await admin.get("/keys")).form(path).filled()
    assert "active" not in again
    assert (await admin.post(path, again)).status_code == 303, "what is off already is asked about no more"


async def test_who_is_on_duty_is_told_and_a_shift_can_be_taken_off_the_plan(system: System, visit: Visit) -> None:
    admin = visit("孙磊")
    now = datetime.now(UTC)
    form = (await admin.get("/people/on-call")).form("/people/on-call")
    in_zone = {"from_at": local(now + timedelta(hours=7)), "to_at": local(now + timedelta(hours=9))}
    answer = await admin.post("/people/on-call", form.filled(staff=system.ids["李雷"], **in_zone))
    assert answer.status_code == 303
    page = await admin.get("/people/on-call")
    assert "现在值班： 李雷" in page.text
    for colleague in ("李雷", "林涛", "周强", "王芳", "吴刚", "郑洁"):
        seen = await visit(colleague).get("/people/on-call")
        assert "现在值班： 李雷" in seen.text
        assert not [each.action for each in seen.forms if each.action.startswith("/people")]
        assert ("/people/on-call", "值班") in seen.links
    refused = await visit("王芳").post("/people/on-call", form.filled(staff=system.ids["李雷"], **in_zone))
    assert refused.status_code == 403
    shift = next(each.action for each in page.forms if each.action.startswith("/people/on-call/")).partition("#")[0]
    asked = await admin.post(shift, {**page.form(shift).filled(), "remove": "1"})
    assert "删除值班：李雷" in Html(asked.text).text
    assert "现在值班： 李雷" in (await admin.get("/people/on-call")).text
    await admin.answer(asked)
    assert "现在无人值班" in (await admin.get("/people/on-call")).text


async def test_a_shift_that_ends_before_it_begins_is_refused_at_its_end(system: System, visit: Visit) -> None:
    admin = visit("孙磊")
    form = (await admin.get("/people/on-call")).form("/people/on-call")
    sent = form.filled(staff=system.ids["李雷"], from_at="2026-12-01T18:00", to_at="2026-12-01T09:00")
    shown = Html((await admin.post("/people/on-call", sent)).text)
    assert any(given.get("id") == "f-on_call-to_at-error" for _, given in shown.tags)


async def test_nobody_but_an_administrator_gets_to_see_them(visit: Visit) -> None:
    for path in ("/people", "/people/departments", "/keys"):
        assert (await visit("王芳").http.get(path)).status_code == 403
        assert (await visit().http.get(path)).status_code == 303


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/people/shifts", 405),
        ("PUT", "/board", 405),
        ("GET", "/people", 403),
        ("GET", "/tickets/19990101001", 404),
        ("GET", "/no/such/page", 404),
        ("GET", "/board?kind=nonsense", 422),
        ("POST", "/account/password", 415),
    ],
)
async def test_a_refusal_keeps_the_navigation_of_whoever_is_signed_in(
    visit: Visit, method: str, path: str, status: int
) -> None:
    client = visit("王芳")
    headers = {"Accept": "text/html", "Content-Type": "text/plain", "Sec-Fetch-Site": "same-origin"}
    answer = await client.http.request(method, path, headers=headers, content=b"x" if method == "POST" else None)
    assert answer.status_code == status
    page = Html(answer.text)
    assert {("/board", "看板"), ("/people/on-call", "值班")} <= set(page.links)
    assert "王芳" in page.text


async def test_a_customer_who_is_lost_gets_no_page_of_staff(visit: Visit) -> None:
    answer = await visit().http.get("/no/such/page", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert ("/board", "看板") not in Html(answer.text).links
    assert "售后服务台" not in answer.text


async def test_a_webhooks_secret_is_shown_once_and_its_deliveries_are_listed(system: System, visit: Visit) -> None:
    admin = visit("孙磊")
    sent = (await admin.get("/keys/webhooks")).form("/keys/webhooks").filled(url="http://127.0.0.1:9/hook")
    shown = Html((await admin.post("/keys/webhooks", sent)).text)
    secret = next(given["value"] for _, given in shown.tags if given.get("id") == "secret")
    assert secret
    assert secret.startswith("whsec_")
    page = await admin.get("/keys/webhooks")
    assert secret not in page.source
    known = await system.get("/v1/webhooks", by="admin")
    made = next(each["id"] for each in known["items"] if each["url"] == "http://127.0.0.1:9/hook")
    hook = f"/keys/webhooks/{made}"
    path = f"{hook}/deliveries"
    deliveries = await admin.get(path)
    await admin.post(f"{hook}/test", deliveries.form(f"{hook}/test").filled())
    assert "http://127.0.0.1:9/hook" in (await admin.get(path)).text
    asked = await admin.post(f"{hook}/rotate-secret", page.form(f"{hook}/rotate-secret").filled())
    assert "whsec_" not in asked.text
    rotated = Html((await admin.answer(asked)).text)
    assert next(given["value"] for _, given in rotated.tags if given.get("id") == "secret") != secret
    asked = await admin.post(hook, {**page.form(hook).filled(), "remove": "1"})
    assert "删除 Webhook http://127.0.0.1:9/hook" in Html(asked.text).text
    assert Html(asked.text).address("取消") == "/keys/webhooks"
    assert "http://127.0.0.1:9/hook" in (await admin.get("/keys/webhooks")).source
    await admin.answer(asked)
    assert "http://127.0.0.1:9/hook" not in (await admin.get("/keys/webhooks")).source


async def test_an_address_that_may_not_receive_is_refused_at_its_field(visit: Visit) -> None:
    admin = visit("孙磊")
    sent = (await admin.get("/keys/webhooks")).form("/keys/webhooks").filled(url="http://169.254.169.254/latest")
    shown = Html((await admin.post("/keys/webhooks", sent)).text)
    assert any(given.get("id") == "f-webhooks-url-error" for _, given in shown.tags)
