"""Preview, publish and recalculation through the public API (semantics.md 19)."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from services.contracts.directory import Scope
from services.contracts.names import Role
from services.workflow.publications.previews import Previews
from services.workflow.publications.schemas import TicketChangePage
from tests.services.system import OTHER, System, running, until

ROLES = (Role.INTAKE, Role.RELAY, Role.TICKETS, Role.TICKETS_WORKER, Role.DIRECTORY)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(scope="module")
async def system(
    engine: WorkflowEnvironment,
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[System]:
    """A system of its own: a publication walks every open ticket that there is."""
    address, folder = engine.client.service_client.config.target_host, tmp_path_factory.mktemp("publishing")
    more: dict[str, Any] = {"recalculation_per_second": 1000.0, "recalculation_retry_seconds": 0.1}
    async with (
        fresh_database() as url,
        running(url, address, folder, namespace="publishing", roles=ROLES, **more) as system,
    ):
        yield system


@pytest.fixture
async def policy(system: System, request: pytest.FixtureRequest) -> str:
    """A policy of the test's own, in force: faults are answered within a day."""
    id_ = f"p{abs(hash(request.node.name)) % 10**9}"
    answer = await system.call("PUT", f"/v1/policies/{id_}?publish=true", answer_in("PT24H"), by="孙磊")
    assert answer.status_code == 200, answer.text
    return id_


def answer_in(target: str, calendar: str = "always") -> dict[str, Any]:
    """A policy that promises an answer and nothing else."""
    return {
        "calendar": calendar,
        "applies": [{"kind": "fault"}],
        "clocks": {"response": {"target": target, "warn_at": []}, "acceptance": {"target": "P30D", "warn_at": []}},
    }


async def response(system: System, ticket_no: str) -> Mapping[str, Any]:
    """The response clock as the ticket shows it."""
    clocks = (await system.get(f"/v1/tickets/{ticket_no}"))["clocks"]
    return next(clock for clock in clocks if clock["name"] == "response")


async def due(system: System, ticket_no: str) -> timedelta:
    """Time from the receipt to the response's due time."""
    ticket = await system.get(f"/v1/tickets/{ticket_no}")
    return datetime.fromisoformat((await response(system, ticket_no))["due_at"]) - datetime.fromisoformat(
        ticket["opened_at"]
    )


async def ask(system: System, path: str, body: Any, *, by: str = "孙磊", **headers: str) -> dict[str, Any]:
    """POST something that must be done."""
    answer = await system.call("POST", path, body, by=by, **headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def publish(system: System, path: str, **body: Any) -> dict[str, Any]:
    """Publish and wait for the end."""
    publication = await ask(system, f"{path}/publish", body)

    async def is_done() -> bool:
        publication.update(await system.get(f"/v1/publications/{publication['id']}"))
        return bool(publication["state"] == "done")

    await until(is_done, 30)
    return publication


def items_of(preview: Mapping[str, Any], ticket_no: str) -> list[Any]:
    """Items of one ticket in a preview."""
    return [item for item in preview["items"] if item["ticket_no"] == ticket_no]


async def test_a_preview_tells_how_due_times_would_move_and_stores_nothing(system: System, policy: str) -> None:
    ticket_no = await system.register()
    before = await response(system, ticket_no)
    preview = await ask(system, f"/v1/policies/{policy}/preview", {"policy": answer_in("PT20H")})
    assert preview["subject"] == {"kind": "policy", "id": policy, "version": 2}
    (item,) = items_of(preview, ticket_no)
    assert item == {
        "ticket_no": ticket_no,
        "cycle": 1,
        "clock": "response",
        "round": 1,
        "open": True,
        "due_from": before["due_at"],
        "due_to": item["due_to"],
        "shift_seconds": -4 * 3600,
        "effect": "earlier",
    }
    assert datetime.fromisoformat(before["due_at"]) - datetime.fromisoformat(item["due_to"]) == 4 * HOUR
    figures = preview["open"]
    assert (figures["new_breaches"], figures["truncated"]) == (0, False)
    assert figures["of"] == figures["looked_at"] == figures["tickets"]
    counted = ("earlier", "later", "unchanged", "excused", "promised", "no_longer_promised")
    assert figures["clocks"] == sum(figures[name] for name in counted)
    assert await response(system, ticket_no) == before
    assert (await system.get(f"/v1/policies/{policy}"))["version"] == 1


async def test_publishing_with_recalculation_does_what_the_preview_said(system: System, policy: str) -> None:
    ticket_no = await system.register()
    await response(system, ticket_no)  # whoever reads it has it handed over
    await system.call("PUT", f"/v1/policies/{policy}", answer_in("PT20H"), by="孙磊")
    preview = await ask(system, f"/v1/policies/{policy}/preview", {})
    publication = await publish(system, f"/v1/policies/{policy}", recalculate=True)
    assert publication["subject"] == {"kind": "policy", "id": policy, "version": 2}
    assert publication["requested_by"] == system.ids["孙磊"]
    assert publication["changed"] == preview["open"]["affected"]
    assert publication["done"] == publication["total"] == preview["open"]["tickets"]
    (item,) = items_of(preview, ticket_no)
    assert (await response(system, ticket_no))["due_at"] == item["due_to"]
    found = await system.get(f"/v1/publications/{publication['id']}/changes", limit=200)
    assert TicketChangePage.model_validate_json(json.dumps(found)).model_dump(mode="json") == found
    changes = found["items"]
    (change,) = [it for it in changes if it["ticket_no"] == ticket_no]
    assert [(it["due_from"], it["due_to"], it["excused"]) for it in change["changes"]] == [
        (item["due_from"], item["due_to"], False)
    ]
    events = (await system.get(f"/v1/tickets/{ticket_no}/timeline"))["items"]
    assert [event["data"]["publication"] for event in events if event["type"] == "ticket.recalculated"] == [
        publication["id"]
    ]
    listed = (await system.get("/v1/publications"))["items"]
    assert listed[0] == publication


async def test_a_preview_under_a_key_is_repeated_and_holds_no_transaction_open(
    system: System, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, computed = f"/v1/policies/{policy}/preview", Previews.preview
    again: list[httpx.Response] = []

    async def twice(*of: Any) -> dict[str, Any]:
        monkeypatch.setattr(Previews, "preview", computed)
        # It would wait for the first one's transaction, and be refused.
        again.append(await system.call("POST", path, {}, by="孙磊", Idempotency_Key="try once"))
        return await computed(*of)

    monkeypatch.setattr(Previews, "preview", twice)
    first = await ask(system, path, {}, Idempotency_Key="try once")
    assert again[0].json() == first
    third = await system.call("POST", path, {}, by="孙磊", Idempotency_Key="try once")
    assert (third.json(), third.headers["Idempotent-Replay"]) == (first, "true")
    other = await system.call("POST", path, {"version": 1}, by="孙磊", Idempotency_Key="try once")
    assert other.status_code == 422


async def test_publishing_without_recalculation_is_for_new_tickets_alone(system: System, policy: str) -> None:
    old = await system.register()
    await system.call("PUT", f"/v1/policies/{policy}", answer_in("PT20H"), by="孙磊")
    publication = await ask(system, f"/v1/policies/{policy}/publish", {})
    assert [publication[name] for name in ("state", "recalculate", "total")] == ["done", False, 0]

    async def is_promised_anew() -> bool:
        return await due(system, await system.register()) == 20 * HOUR

    await until(is_promised_anew, 30)
    assert await due(system, old) == DAY


async def test_a_version_in_force_is_published_again_to_recalculate_by_it(system: System, policy: str) -> None:
    ticket_no = await system.register()
    await system.call("PUT", f"/v1/policies/{policy}?publish=true", answer_in("PT20H"), by="孙磊")
    assert await due(system, ticket_no) == DAY
    await publish(system, f"/v1/policies/{policy}", recalculate=True)
    assert await due(system, ticket_no) == 20 * HOUR


async def test_a_repeat_under_the_same_key_is_the_same_publication(system: System, policy: str) -> None:
    path = f"/v1/policies/{policy}/publish"
    first = await ask(system, path, {}, Idempotency_Key="publish once")
    again = await system.call("POST", path, {}, by="孙磊", Idempotency_Key="publish once")
    assert again.json() == first
    assert again.headers["Idempotent-Replay"] == "true"


async def test_a_version_before_the_one_in_force_is_refused(system: System, policy: str) -> None:
    await system.call("PUT", f"/v1/policies/{policy}?publish=true", answer_in("PT20H"), by="孙磊")
    answer = await system.call("POST", f"/v1/policies/{policy}/publish", {"version": 1}, by="孙磊")
    assert (answer.status_code, answer.json()["code"], answer.json()["published_version"]) == (409, "superseded", 2)


@pytest.mark.parametrize("verb", ["preview", "publish"])
@pytest.mark.parametrize("kind", ["policies", "calendars"])
async def test_what_does_not_exist_is_not_found(system: System, kind: str, verb: str) -> None:
    known = {"policies": "d0-standard", "calendars": "cn"}[kind]
    for path, body in ((f"/v1/{kind}/nothing/{verb}", {}), (f"/v1/{kind}/{known}/{verb}", {"version": 99})):
        assert (await system.call("POST", path, body, by="孙磊")).status_code == 404
    assert (await system.call("GET", "/v1/publications/nothing", by="孙磊")).status_code == 404
    assert (await system.call("GET", "/v1/publications/nothing/changes", by="孙磊")).status_code == 404
    assert (await system.call("POST", "/v1/publications/nothing/retry", {}, by="孙磊")).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/policies/d0-standard/preview", {"policy": {"calendar": "moon"}}, "/policy/calendar"),
        (
            "/v1/policies/d0-standard/preview",
            {"policy": {"clocks": {"response": {"target": "soon"}}}},
            "/policy/clocks/",
        ),
        ("/v1/policies/d0-standard/preview", {"surprise": 1}, "/surprise"),
        ("/v1/policies/d0-standard/preview", {"version": 1, "policy": {}}, ""),
        ("/v1/policies/d0-standard/preview", {"items": {"limit": 201}}, "/items/limit"),
        ("/v1/policies/d0-standard/publish", {"version": 0}, "/version"),
        ("/v1/calendars/cn/preview", {"calendar": {"time_zone": "Moon/Base"}}, "/calendar/time_zone"),
        ("/v1/calendars/cn/publish", {"recalculate": "perhaps"}, "/recalculate"),
        ("/v1/publications/pub-1/retry", {"surprise": 1}, "/surprise"),
    ],
)
async def test_what_is_wrong_is_refused_where_it_is(system: System, path: str, body: Any, pointer: str) -> None:
    answer = await system.call("POST", path, body, by="孙磊")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


async def test_a_cursor_of_another_list_is_refused(system: System) -> None:
    for cursor in ("x", "WyJ4Il0"):
        body = {"items": {"cursor": cursor}}
        assert (await system.call("POST", "/v1/policies/d0-standard/preview", body, by="孙磊")).status_code == 422
        for path in ("/v1/publications", "/v1/publications/pub-1/changes"):
            assert (await system.call("GET", f"{path}?cursor={cursor}", by="孙磊")).status_code in {404, 422}


async def test_a_calendar_is_tried_and_published_for_running_clocks(system: System, policy: str) -> None:
    hours = {day: {"00:00": "24:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    shut: dict[str, Any] = {"time_zone": "UTC", "hours": hours}
    await system.call("PUT", "/v1/calendars/shop?publish=true", shut, by="孙磊")
    await system.call("PUT", f"/v1/policies/{policy}?publish=true", answer_in("PT24WH", "shop"), by="孙磊")

    async def is_promised_by_it() -> bool:
        return bool((await response(system, await system.register()))["target"] == "PT24WH")

    await until(is_promised_by_it, 30)
    ticket_no = await system.register()
    assert await due(system, ticket_no) == DAY
    tomorrow = (datetime.fromisoformat((await response(system, ticket_no))["due_at"])).date()
    closed = {**shut, "holidays": [tomorrow.isoformat()]}
    preview = await ask(system, "/v1/calendars/shop/preview", {"calendar": closed, "items": {"limit": 200}})
    (item,) = items_of(preview, ticket_no)
    assert (item["effect"], item["shift_seconds"]) == ("later", 86_400)
    await system.call("PUT", "/v1/calendars/shop", closed, by="孙磊")
    await publish(system, "/v1/calendars/shop", recalculate=True)
    assert await due(system, ticket_no) == 2 * DAY


async def test_the_past_tells_which_answers_would_have_been_late(system: System, policy: str) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "respond", {"message": "您好"}, by="李雷")
    preview = await ask(
        system, f"/v1/policies/{policy}/preview", {"policy": answer_in("PT0.001S"), "items": {"limit": 200}}
    )
    effects = {item["clock"]: (item["open"], item["effect"]) for item in items_of(preview, ticket_no)}
    assert effects["response"] == (False, "new_breach")
    assert preview["past"]["new_breaches"] >= 1
    assert datetime.fromisoformat(preview["past"]["to"]) - datetime.fromisoformat(preview["past"]["from"]) == 90 * DAY


async def test_the_list_of_a_preview_is_paged(system: System, policy: str) -> None:
    opened = {await system.accepted() for _ in range(2)}
    body: dict[str, Any] = {"policy": answer_in("PT20H"), "items": {"limit": 1}}
    found: list[str] = []
    while body["items"]:
        preview = await ask(system, f"/v1/policies/{policy}/preview", body)
        found += [item["ticket_no"] for item in preview["items"]]
        body["items"] = {"limit": 1, "cursor": preview["next_cursor"]} if preview["next_cursor"] else None
    assert opened <= set(found)
    assert len(found) == len(set(found))


async def test_nobody_learns_of_the_tickets_of_another_department(system: System, policy: str) -> None:
    own = await system.register()
    key = await system.issue_key("logistics rules", Scope.POLICIES_WRITE, Scope.TICKETS_READ, department=OTHER)
    refused = await system.call("POST", f"/v1/policies/{policy}/preview", {"policy": answer_in("PT20H")}, by=key)
    assert refused.status_code == 403
    await system.call("PUT", f"/v1/policies/{policy}", answer_in("PT20H"), by="孙磊")
    publication = await publish(system, f"/v1/policies/{policy}", recalculate=True)
    path = f"/v1/publications/{publication['id']}/changes?limit=200"
    seen = {}
    for name in ("李雷", "赵敏", "孙磊"):
        seen[name] = {item["ticket_no"] for item in (await system.call("GET", path, by=name)).json()["items"]}
    assert own in seen["李雷"]
    assert own in seen["孙磊"]
    assert own not in seen["赵敏"]
