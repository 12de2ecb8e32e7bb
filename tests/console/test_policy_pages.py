"""Policies on pages: their order, drafts by form and by text, versions side by side, packs, preview and publishing."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tests.console.page_client import Html, PageClient
from tests.services.system import System, until

Visit = Callable[..., PageClient]
ADMIN = "孙磊"


async def narrow(system: System, **changes: Any) -> str:
    """The id of a published policy for one channel and department that no other test uses."""
    identifier = f"p-{secrets.token_hex(4)}"
    draft = {
        "title": {"zh-CN": f"策略{identifier}", "en": f"Policy {identifier}"},
        "applies": [{"channel": ["social"], "kind": ["praise"], "department": ["logistics"]}],
        "clocks": {"response": {"target": {"urgent": "PT2H", "*": "P3WD"}}},
        **changes,
    }
    answer = await system.call("PUT", f"/v1/policies/{identifier}?publish=true", draft, by=ADMIN)
    assert answer.status_code == 200, answer.text
    return identifier


async def stored(system: System, identifier: str, **params: Any) -> dict[str, Any]:
    shown: dict[str, Any] = await system.get(f"/v1/policies/{identifier}", by=ADMIN, **params)
    return shown


async def test_the_list_says_in_which_order_policies_are_tried_and_to_what_each_applies(
    system: System, visit: Visit
) -> None:
    identifier = await narrow(system)
    page = await visit("李雷").get("/policies")
    assert "性质：表扬；渠道：社交媒体；部门：logistics" in page.text
    assert "所有工单" in page.text
    assert page.text.index(identifier) < page.text.index("d0-standard")
    assert not page.has_form("/policies/order")


async def test_a_policy_is_moved_down_without_scripts(system: System, visit: Visit) -> None:
    lower, upper = await narrow(system), await narrow(system)
    admin = visit(ADMIN)
    page = await admin.get("/policies")
    form = next(
        each for each in page.forms if each.action.startswith("/policies/order") and ("id", upper) in each.fields
    )
    assert form.buttons == [("step", "up"), ("step", "down")]
    moved = await admin.send(form, step="down")
    assert "顺序已保存" in moved.text
    order = (await system.get("/v1/policy-order", by=ADMIN))["ids"]
    assert order.index(lower) < order.index(upper)


async def test_the_page_of_a_policy_is_a_table_of_its_clocks(system: System, visit: Visit) -> None:
    identifier = await narrow(system)
    page = await visit("李雷").get(f"/policies/{identifier}")
    for told in ("响应", "2 小时 自然时间", "3 个工作日 工作时间", "等客户", "75 %", "default", "已发布第 1 版"):
        assert told in page.text, told
    assert "不承诺：受理" in page.text
    assert not page.has_form("/retire")
    assert not [href for href, _ in page.links if href.endswith("/edit")]


async def test_targets_are_changed_without_yaml_and_compared_before_they_count(system: System, visit: Visit) -> None:
    identifier = await narrow(system)
    admin = visit(ADMIN)
    form = (await admin.get(f"/policies/{identifier}/edit")).form("/edit")
    page = await admin.send(form, clock__response__target__urgent="30 分钟", clock__response__warn_at="50 %")
    assert "已保存为第 2 版" in page.text
    assert "已发布第 1 版" in page.text
    draft = await stored(system, identifier)
    assert draft["clocks"]["response"]["target"] == {"urgent": "PT30M", "normal": "P3WD", "low": "P3WD"}
    assert draft["clocks"]["response"]["warn_at"] == [0.5]
    compared = await admin.get(f"/policies/{identifier}/compare")
    assert "2 处不同" in compared.text
    assert "≠ 已更改" in compared.text
    marked = [tag for tag, _ in compared.tags if tag in {"ins", "del"}]
    assert marked == ["del", "ins"] * 2


async def test_what_is_wrong_stands_at_its_field_and_stores_nothing(system: System, visit: Visit) -> None:
    identifier = await narrow(system)
    admin = visit(ADMIN)
    form = (await admin.get(f"/policies/{identifier}/edit")).form("/edit")
    typed = form.filled(clock__response__target__urgent="很快", title__en="Kept as typed")
    answer = await admin.post(form.action, typed)
    assert answer.status_code == 422
    assert 'id="error-clock.response.target.urgent"' in answer.text
    assert "Kept as typed" in answer.text
    refused = form.filled(questionnaire="no-such-questionnaire")
    answer = await admin.post(form.action, refused)
    assert answer.status_code == 422
    assert 'id="error-questionnaire"' in answer.text
    assert (await stored(system, identifier))["version"] == 1


async def test_two_who_edit_at_once_do_not_overwrite_each_other(system: System, visit: Visit) -> None:
    identifier = await narrow(system)
    admin = visit(ADMIN)
    form = (await admin.get(f"/policies/{identifier}/edit")).form("/edit")
    await admin.send(form, title__en="First")
    answer = await admin.post(form.action, form.filled(title__en="Second"))
    assert answer.status_code == 409
    again = Html(answer.text)
    assert "有人刚刚保存了第 2 版" in again.text
    await admin.send(again.form("/edit"))
    assert (await stored(system, identifier))["title"]["en"] == "Second"


async def test_yaml_is_stored_and_its_faults_are_told_with_their_line(system: System, visit: Visit) -> None:
    identifier = await narrow(system)
    admin = visit(ADMIN)
    form = (await admin.get(f"/policies/{identifier}/yaml")).form("/yaml")
    text = dict(form.fields)["text"]
    assert "P3WD" in text
    wrong = text.replace("P3WD", "P3XX")
    line = next(number for number, each in enumerate(wrong.split("\n"), 1) if "P3XX" in each)
    answer = await admin.post(form.action, form.filled(text=wrong))
    assert answer.status_code == 422
    assert f"第 {line} 行" in Html(answer.text).text
    page = await admin.send(form, text=text.replace("P3WD", "P2WD"))
    assert "已保存为第 2 版" in page.text
    assert (await stored(system, identifier))["clocks"]["response"]["target"]["*"] == "P2WD"


@pytest.mark.parametrize("way", ["edit", "yaml"])
async def test_a_check_tells_warnings_and_stores_nothing(system: System, visit: Visit, way: str) -> None:
    identifier = await narrow(system, clocks={"response": {"target": "PT2H", "warn_at": [0.5, 0.5]}})
    admin = visit(ADMIN)
    form = (await admin.get(f"/policies/{identifier}/{way}")).form(f"/{way}")
    page = await admin.send(form, check="true")
    assert "/clocks/response/warn_at/1" in page.text
    assert "列表中已有相同的项" in page.text
    assert (await stored(system, identifier))["version"] == 1


async def test_a_policy_that_promises_nothing_is_made_and_retired(system: System, visit: Visit) -> None:
    identifier = f"none-{secrets.token_hex(4)}"
    admin = visit(ADMIN)
    form = (await admin.get("/policies")).form("/policies")
    page = await admin.send(form, id=identifier, like="", title__en="No promise")
    assert "修改“No promise”" in page.text
    shown = await admin.get(f"/policies/{identifier}")
    assert "不承诺任何时限" in shown.text
    assert "尚未发布" in shown.text
    again = await admin.post("/policies", form.filled(id=identifier, like=""))
    assert again.status_code == 422
    assert "已被使用" in again.text
    other = await narrow(system)
    asked = await admin.send((await admin.get(f"/policies/{other}")).form("/retire"))
    assert "进行中的工单保留原有时限" in asked.text
    page = await admin.send(asked.form("/retire"))
    assert "已停用" in page.text


async def test_a_pack_is_adopted_for_a_kind(system: System, visit: Visit) -> None:
    admin = visit(ADMIN)
    page = await admin.get("/policy-packs")
    for pack in ("D0", "D1", "D2", "D3", "D4"):
        assert pack in page.text
    before = {each["id"] for each in (await system.get("/v1/policies", by=ADMIN))["items"]}
    made = await admin.send(page.form("/policy-packs/d2"), kind=["suggestion"], department=["logistics"])
    assert "已采用" in made.text
    after = (await system.get("/v1/policies", by=ADMIN))["items"]
    new = [each for each in after if each["id"] not in before]
    assert new
    assert all(each["published_version"] is None for each in new)
    assert all("suggestion" in condition["kind"] for each in new for condition in each["applies"])


async def test_a_preview_shows_figures_and_moved_clocks_and_stores_nothing(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted(urgency="normal")
    draft = await stored(system, "d0-standard")
    body = {name: draft[name] for name in ("title", "calendar", "questionnaire", "applies", "settings")}
    clocks = {**draft["clocks"], "response": {**draft["clocks"]["response"], "target": "PT90M"}}
    put = await system.call("PUT", "/v1/policies/d0-standard", {**body, "clocks": clocks}, by=ADMIN)
    version = put.json()["version"]
    page = await visit(ADMIN).get(f"/policies/d0-standard/preview?version={version}")
    assert ticket_no in page.text
    assert "进行中的工单" in page.text
    assert "近 90 天" in page.text
    assert "提前" in page.text
    assert any(tag == "svg" and given.get("role") == "img" for tag, given in page.tags)
    clock = (await system.get(f"/v1/tickets/{ticket_no}"))["clocks"]
    assert next(each for each in clock if each["name"] == "response")["target"] == "P3WD"
    await visit("李雷").get(f"/policies/d0-standard/preview?version={version}", status=403)


async def test_what_is_published_is_what_was_previewed(system: System, visit: Visit) -> None:
    applies = [{"channel": ["social"], "kind": ["praise"]}]
    identifier = await narrow(system, applies=applies)
    draft = {"applies": applies, "clocks": {"response": {"target": "PT51H"}}}
    await system.call("PUT", f"/v1/policies/{identifier}", draft, by=ADMIN)
    admin = visit(ADMIN)
    form = (await admin.get(f"/policies/{identifier}/preview")).form("/publish")
    await narrow(system, applies=[{"channel": ["social"], "kind": ["suggestion"]}])
    anew = await admin.send(form, status=409, recalculate="false")
    assert "其他策略或日历已有变化" in anew.text
    assert (await system.get(f"/v1/policies/{identifier}", by=ADMIN))["published_version"] == 1
    sent = anew.form("/publish")
    for _ in range(2):  # the second click replays the first
        assert (await admin.post(sent.action, sent.filled(recalculate="false"))).status_code == 303
    assert (await system.get(f"/v1/policies/{identifier}", by=ADMIN))["published_version"] == 2


async def test_publishing_leads_to_its_progress_and_to_every_change(system: System, visit: Visit) -> None:
    identifier = await narrow(system, applies=[{"channel": ["social"], "kind": ["consultation"]}])
    ticket_no = await system.accepted(channel="social", kind="consultation", category="usage_question")
    await system.call(
        "PUT",
        f"/v1/policies/{identifier}",
        {
            "applies": [{"channel": ["social"], "kind": ["consultation"]}],
            "clocks": {"response": {"target": "PT50H"}},
        },
        by=ADMIN,
    )
    admin = visit(ADMIN)
    preview = await admin.get(f"/policies/{identifier}/preview")
    page = await admin.send(preview.form("/publish"), recalculate="true")
    assert "重算进行中的工单" in page.text
    assert not page.has_form("/retry")
    publication = (await system.get("/v1/publications", by=ADMIN))["items"][0]

    async def is_done() -> bool:
        told = await system.get(f"/v1/publications/{publication['id']}", by=ADMIN)
        return bool(told["state"] == "done")

    await until(is_done, 60)
    done = await admin.get(f"/publications/{publication['id']}")
    assert ticket_no in done.text
    assert "完成于" in done.text
    assert not any(given.get("hx-trigger") and given.get("id") == "live" for _, given in done.tags)
    assert identifier in (await admin.get("/publications")).text
    shown = await visit("李雷").get(f"/tickets/{ticket_no}")
    assert "发布后重算" in shown.text


async def test_only_administrators_get_to_change_policies(system: System, visit: Visit) -> None:
    for name in ("王芳", "李雷", "赵敏"):
        for path in ("/policies/d0-standard/edit", "/policies/d0-standard/yaml", "/policy-packs"):
            await visit(name).get(path, status=403)
        forbidden = await visit(name).post("/policies/order", {"id": "d0-standard", "step": "up"})
        assert forbidden.status_code == 403
    assert (await visit().http.get("/policies")).status_code == 303


async def test_hostile_addresses_and_forms_are_pages_and_never_failures(visit: Visit) -> None:
    admin = visit(ADMIN)
    for path in (
        "/policies/nothing-here",
        "/policies/%00/edit",
        "/policies/d0-standard?version=99999999",
        "/policies/d0-standard/compare?from=0&to=x",
        "/policies/d0-standard/preview?version=0",
        "/publications/nothing",
        "/publications?cursor=%F0",
    ):
        answer = await admin.http.get(path)
        assert answer.status_code < 500, path
    for action, fields in (
        ("/policies/order", {"id": "d0-standard", "step": "sideways"}),
        ("/policies", {"id": "../../etc", "like": "nobody"}),
        ("/policies/d0-standard/publish", {"version": "many"}),
        ("/policies/d0-standard/edit", {"version": "x", "reach": "every"}),
        ("/policies/d0-standard/yaml", {"version": "1", "text": "a: &a [*a, *a]\n" * 50}),
        ("/policy-packs/d9", {"key": "k" * 24}),
    ):
        answer = await admin.post(action, fields)
        assert 400 <= answer.status_code < 500, action
        assert "<html" in answer.text
