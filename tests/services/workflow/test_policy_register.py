"""Policies as their authors handle them: YAML and lint, versions, order, retirement and packs (product.md 5)."""

import itertools
from typing import Any

import httpx
import pytest

from services.contracts.policy import PackId
from services.promises.policies import built_in
from services.runtime.postgres.database import Database
from services.workflow.policies.catalogue import Catalogue
from tests.services.system import OWN, System

_ids = itertools.count(1)
YAML = "application/yaml"
WRITTEN = """\
# for the praise of people who chat
title: {zh-CN: 试用, en: trial}
calendar: always
applies:
  - {channel: chat, kind: praise, tier: vip}
clocks:
  acceptance: {target: PT90S}
  response:
    target: {urgent: PT5S, "*": PT20M}
    warn_at: [0.5, PT5M]
"""


async def send(
    system: System, method: str, path: str, text: str, *, by: str = "孙磊", media_type: str = YAML, **headers: str
) -> httpx.Response:
    """Send a text as it was written."""
    given = {"Authorization": f"Bearer {system.tokens[by]}", "Content-Type": media_type, **headers}
    return await system.http.request(method, path, content=text.encode(), headers=given)


def trial(**changes: Any) -> dict[str, Any]:
    """A policy for which no test but these has tickets."""
    return {"calendar": "always", "applies": [{"channel": "chat", "kind": ["praise"], "tier": "vip"}],
            "clocks": {"acceptance": {"target": "PT90S"}}, **changes}  # fmt: skip


async def put(system: System, id_: str, body: dict[str, Any], *, publish: bool = False, **headers: str) -> Any:
    path = f"/v1/policies/{id_}" + ("?publish=true" if publish else "")
    answer = await system.call("PUT", path, body, by="孙磊", **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ask(system: System, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """The answer to an administrator, which must be a 200."""
    answer = await system.call(method, path, body, by="孙磊", **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def new_id() -> str:
    return f"register-{next(_ids)}"


async def test_a_policy_written_as_yaml_is_the_same_as_json(system: System) -> None:
    id_ = new_id()
    stored = await send(system, "PUT", f"/v1/policies/{id_}", WRITTEN)
    assert stored.status_code == 200, stored.text
    assert stored.headers["ETag"] == '"1"'
    read = await system.get(f"/v1/policies/{id_}")
    assert read["clocks"]["response"]["target"] == {"urgent": "PT5S", "*": "PT20M"}
    assert read["clocks"]["response"]["warn_at"] == [0.5, "PT5M"]
    assert read["applies"][0]["kind"] == ["praise"]
    assert (read["created_by"], read["retired_at"]) == (system.ids["孙磊"], None)


@pytest.mark.parametrize(
    ("changed", "pointer", "line", "code"),
    [
        (("PT90S", "09:00"), "/clocks/acceptance/target", 7, "value_error"),
        (("PT90S", "no"), "/clocks/acceptance/target", 7, "value_error"),
        (("PT90S", "1e3"), "/clocks/acceptance/target", 7, "string_type"),
        (("PT90S", "PT0S"), "/clocks/acceptance/target", 7, "zero_duration"),
        (("kind: praise", "kind: no"), "/applies/0/kind", 5, "enum"),
        (("urgent:", "urgnt:"), "/clocks/response/target/urgnt", 9, "enum"),
        (("0.5", "1.5"), "/clocks/response/warn_at/0", 10, "less_than"),
        (("calendar: always", "calendar: mars"), "/calendar", 3, "unknown_calendar"),
        (("calendar:", "calender:"), "/calender", 3, "unknown_field"),
        (("    warn_at", "    ladder: steep\n    warn_at"), "/clocks/response/ladder", 10, "unknown_ladder"),
    ],
)
async def test_what_is_wrong_is_told_with_its_line(
    system: System, changed: tuple[str, str], pointer: str, line: int, code: str
) -> None:
    text = WRITTEN.replace(*changed)
    refused = await send(system, "PUT", "/v1/policies/wrong", text)
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["line"], error["code"]) == (pointer, line, code)
    linted = (await send(system, "POST", "/v1/policies/lint", text)).json()["faults"]
    (fault,) = [each for each in linted if each["level"] == "error"]
    assert (fault["pointer"], fault["line"], fault["code"]) == (pointer, line, code)
    assert (await system.call("GET", "/v1/policies/wrong", by="孙磊")).status_code == 404


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\na: 2", 2), ("a: &x 1", 1), ("a:\n\t- 1", 2), ("clocks:\n  response: {target: *}", 2)]
)
async def test_what_is_no_yaml_is_refused_with_its_line(system: System, text: str, line: int) -> None:
    for method, path in (("PUT", "/v1/policies/wrong"), ("POST", "/v1/policies/lint")):
        refused = await send(system, method, path, text)
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed_yaml")
        assert refused.json()["errors"][0]["line"] == line


@pytest.mark.parametrize(("language", "said"), [("en", "twice"), ("zh-CN", "名称重复")])
async def test_what_is_no_yaml_is_told_in_the_readers_language(system: System, language: str, said: str) -> None:
    headers = {"Authorization": f"Bearer {system.tokens['孙磊']}", "Content-Type": YAML, "Accept-Language": language}
    refused = (await system.http.put("/v1/policies/wrong", content=b"a: 1\na: 2", headers=headers)).json()
    assert said in refused["detail"]
    assert said in refused["errors"][0]["message"]


async def test_json_has_lines_too_and_texts_are_in_the_readers_language(system: System) -> None:
    text = '{\n "calendar": "mars",\n "clocks": {\n  "response": {"target": "PT1H", "ladder": "steep"}}}'
    for language, word in (("en", "there is no"), ("zh-CN", "没有")):
        answer = await send(
            system, "POST", "/v1/policies/lint", text, media_type="application/json", **{"Accept-Language": language}
        )
        faults = {each["pointer"]: each for each in answer.json()["faults"]}
        assert {at: faults[at]["line"] for at in ("/calendar", "/clocks/response/ladder")} == {
            "/calendar": 2,
            "/clocks/response/ladder": 4,
        }
        assert word in faults["/calendar"]["message"]


async def test_other_bodies_and_strangers_get_no_further(system: System) -> None:
    for media_type in ("text/plain", "text/calendar", "application/x-www-form-urlencoded"):
        refused = await send(system, "PUT", "/v1/policies/wrong", WRITTEN, media_type=media_type)
        assert refused.status_code == 415, refused.text
    ticket = await send(system, "POST", "/v1/feedback", "channel: web", by="李雷")
    assert ticket.status_code == 415
    stranger = await system.http.put("/v1/policies/wrong", content=b"a: &x [*x]", headers={"Content-Type": YAML})
    assert stranger.status_code == 401
    assert (await send(system, "PUT", "/v1/policies/wrong", WRITTEN, by="李雷")).status_code == 403


async def test_warnings_do_not_refuse_and_are_answered_with_what_was_stored(system: System) -> None:
    id_ = new_id()
    body = trial(clocks={"acceptance": {"target": {"urgent": "PT1H"}, "warn_at": ["PT2H"]}})
    stored = await put(system, id_, body)
    found = [(each["pointer"], each["code"]) for each in stored["warnings"] if each["pointer"] != "/applies"]
    assert found == [
        ("/clocks/acceptance/target", "urgency_without_target"),
        ("/clocks/acceptance/target", "urgency_without_target"),
        ("/clocks/acceptance/warn_at/0", "warning_never_fires"),
    ]
    linted = await ask(system, "POST", "/v1/policies/lint", {**body, "id": id_})
    assert [(each["pointer"], each["code"]) for each in linted["faults"] if each["pointer"] != "/applies"] == found


async def test_putting_the_same_twice_stores_it_once(system: System) -> None:
    id_ = new_id()
    assert [(await put(system, id_, trial()))["version"] for _ in range(2)] == [1, 1]
    assert (await put(system, id_, trial(), publish=True))["version"] == 2
    assert (await put(system, id_, trial(), publish=True))["version"] == 2
    assert (await put(system, id_, trial(), If_Match='"2"'))["version"] == 3
    assert (await put(system, id_, trial(calendar="cn")))["version"] == 4


async def test_every_version_can_be_read_and_two_be_compared(system: System) -> None:
    id_ = new_id()
    await put(system, id_, trial(), publish=True)
    changed = trial(
        clocks={"acceptance": {"target": "PT2M"}, "callback": {"target": "P1WD"}},
        applies=[{"channel": "chat", "kind": ["praise"], "tier": "vip", "urgency": "low"}],
    )
    await put(system, id_, changed)
    listed = (await system.get(f"/v1/policies/{id_}/versions"))["items"]
    assert [(each["version"], bool(each["published_at"])) for each in listed] == [(2, False), (1, True)]
    assert {each["created_by"] for each in listed} == {system.ids["孙磊"]}
    first = await system.get(f"/v1/policies/{id_}", version=1)
    assert (first["version"], first["clocks"]["acceptance"]["target"], first["published_version"]) == (1, "PT90S", 1)
    differing = (await system.get(f"/v1/policies/{id_}/compare?from=1&to=2"))["items"]
    told = {each["pointer"]: (each["from"], each["to"]) for each in differing}
    assert told["/clocks/acceptance/target"] == ("PT90S", "PT2M")
    assert told["/applies/0/urgency"] == (None, ["low"])
    assert told["/clocks/callback"][0] is None
    assert told["/clocks/callback"][1]["target"] == "P1WD"
    assert (await system.get(f"/v1/policies/{id_}/compare?from=2&to=2"))["items"] == []
    for missing in (f"{id_}?version=3", f"{id_}/compare?from=1&to=9", "none/versions", "none"):
        assert (await system.call("GET", f"/v1/policies/{missing}")).status_code == 404


async def test_a_retired_policy_applies_to_no_new_ticket_until_it_is_published_again(system: System) -> None:
    id_ = new_id()
    body = trial(applies=[{"channel": "chat", "kind": ["suggestion"]}])

    async def applied() -> str:
        ticket_no = await system.register(channel="chat", kind="suggestion")
        return str((await system.get(f"/v1/tickets/{ticket_no}"))["policy"]["id"])

    await put(system, id_, body, publish=True)
    before = await system.register(channel="chat", kind="suggestion")
    retired = await ask(system, "POST", f"/v1/policies/{id_}/retire", {})
    assert retired["retired_at"]
    again = await ask(system, "POST", f"/v1/policies/{id_}/retire", {}, Idempotency_Key="retire")
    assert again["retired_at"] == retired["retired_at"]
    assert await applied() != id_
    assert (await system.get(f"/v1/tickets/{before}"))["policy"]["id"] == id_
    assert id_ in [each["id"] for each in (await system.get("/v1/policies", limit=200))["items"]]
    brought_back = await put(system, id_, body, publish=True)
    assert (brought_back["version"], brought_back["retired_at"]) == (1, None)
    assert await applied() == id_
    await ask(system, "POST", f"/v1/policies/{id_}/retire", {})
    assert (await system.call("POST", "/v1/policies/none/retire", {}, by="孙磊")).status_code == 404


async def test_the_order_can_be_changed_and_the_first_match_wins(system: System) -> None:
    first, second = new_id(), new_id()
    body = trial(applies=[{"channel": "chat", "kind": ["consultation"]}])
    for id_ in (first, second):
        await put(system, id_, body, publish=True)
    ids = (await system.get("/v1/policy-order"))["ids"]
    assert ids[:2] == [second, first]
    changed = await ask(system, "PUT", "/v1/policy-order", {"ids": [first, second, *ids[2:]]})
    assert changed["ids"][:2] == [first, second]
    hidden = {each["pointer"]: each["code"] for each in changed["warnings"]}
    assert hidden["/ids/1"] == "unreachable"
    ticket_no = await system.register(channel="chat", kind="consultation")
    assert (await system.get(f"/v1/tickets/{ticket_no}"))["policy"]["id"] == first
    for id_ in (first, second):
        await ask(system, "POST", f"/v1/policies/{id_}/retire", {})


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        (lambda ids: ids[1:], "/ids", "incomplete"),
        (lambda ids: [*ids, ids[0]], "/ids/{last}", "repeated"),
        (lambda ids: [*ids, "none"], "/ids/{last}", "unknown"),
    ],
)
async def test_an_order_names_every_policy_once(system: System, change: Any, pointer: str, code: str) -> None:
    ids = (await system.get("/v1/policy-order"))["ids"]
    refused = await system.call("PUT", "/v1/policy-order", {"ids": change(ids)}, by="孙磊")
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer.format(last=len(ids)), code)
    chinese = {"Accept-Language": "zh-CN"}
    again = await system.call("PUT", "/v1/policy-order", {"ids": change(ids)}, by="孙磊", **chinese)
    assert again.json()["errors"][0]["message"] != error["message"]
    assert "策略" in again.json()["errors"][0]["message"]


async def test_the_packs_are_listed_and_adopted_for_kinds(system: System) -> None:
    packs = (await system.get("/v1/policy-packs"))["items"]
    assert [each["id"] for each in packs] == list(PackId)
    stored = await ask(system, "POST", "/v1/policy-packs/d3/adopt", {"kind": ["complaint", "praise"]})
    ids = [each["id"] for each in stored["items"]]
    assert ids == ["d3-complaint.complaint.praise", "d3-return-visit.complaint.praise"]
    assert [each["applies"][0]["kind"] for each in stored["items"]] == [["complaint"], ["complaint", "praise"]]
    order = (await system.get("/v1/policy-order"))["ids"]
    assert order.index(ids[0]) + 1 == order.index(ids[1]) < order.index("d0-standard")
    again = await ask(system, "POST", "/v1/policy-packs/d3/adopt", {"kind": ["complaint", "praise"]})
    assert [each["version"] for each in again["items"]] == [1, 1]


async def test_a_pack_adopted_for_a_department_is_chosen_when_the_ticket_is_accepted(system: System) -> None:
    department = f"adopting-{next(_ids)}"
    made = await system.call("POST", "/v1/departments", {"id": department, "name": "承接部"}, by="孙磊")
    assert made.status_code == 201, made.text
    asked = {"department": [department], "calendar": "always", "publish": True}
    stored = (await ask(system, "POST", "/v1/policy-packs/d2/adopt", asked))["items"]
    assert [(each["id"], each["calendar"]) for each in stored] == [(f"d2-service.{department}", "always")]
    ticket_no = await system.register()
    received = await system.get(f"/v1/tickets/{ticket_no}")
    assert received["policy"]["id"] != stored[0]["id"]
    accepted = await system.do(ticket_no, "accept", {"department": department}, by="王芳")
    assert accepted["policy"] == {"id": stored[0]["id"], "version": 1}
    elsewhere = await system.register()
    assert (await system.do(elsewhere, "accept", {"department": OWN}, by="李雷"))["policy"]["id"] != stored[0]["id"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"calendar": "mars"}, "/calendar", "unknown_calendar"),
        ({"department": [OWN, "none"]}, "/department/1", "unknown_department"),
        ({"kind": ["lunch"]}, "/kind/0", "enum"),
        ({"surprise": 1}, "/surprise", "unknown_field"),
    ],
)
async def test_a_pack_is_not_adopted_for_what_does_not_exist(
    system: System, body: dict[str, Any], pointer: str, code: str
) -> None:
    refused = await system.call("POST", "/v1/policy-packs/d1/adopt", body, by="孙磊")
    assert refused.status_code == 422, refused.text
    assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [(pointer, code)]
    assert (await system.call("POST", "/v1/policy-packs/d9/adopt", {}, by="孙磊")).status_code == 422


@pytest.mark.parametrize("pack", [PackId.D0, PackId.D3])
async def test_a_new_installation_starts_with_the_pack_that_it_names_and_keeps_it(
    database: Database, pack: PackId
) -> None:
    for later in (pack, PackId.D4):
        await Catalogue(database, later).seed()
    policies = (await Catalogue(database).in_force()).promises.policies
    assert [policy.id for policy in policies] == [policy.id for policy in built_in(pack).policies]
    assert [policy.clocks for policy in policies] == [policy.clocks for policy in built_in(pack).policies]
