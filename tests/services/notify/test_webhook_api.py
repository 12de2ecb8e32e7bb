"""Webhooks from outside: made and changed over the API, told of what happens to real tickets."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.contracts.directory import Scope
from tests.services.notify.webhook_receiver import Receiver, receiving
from tests.services.system import OTHER, OWN, System, until

ADMIN, AUDITOR = "孙磊", "郑洁"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody else's machine."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
async def nobody_is_left(system: System) -> AsyncIterator[None]:
    """Remove what a test made, so that it listens no longer than the test."""
    yield
    for webhook in (await system.get("/v1/webhooks", by=ADMIN, limit=200))["items"]:
        await system.call("DELETE", f"/v1/webhooks/{webhook['id']}", by=ADMIN)


async def make(system: System, url: str, *, by: str = ADMIN, **given: Any) -> Any:
    """A webhook, which must be made."""
    answer = await system.call("POST", "/v1/webhooks", {"url": url, **given}, by=by)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/webhooks/{answer.json()['id']}"
    return answer.json()


async def change(system: System, webhook: Any, *, by: str = ADMIN, version: int | None = None, **fields: Any) -> Any:
    """Change a webhook, whatever the answer."""
    match = {"If_Match": f'"{version}"'} if version else {}
    return await system.call("PATCH", f"/v1/webhooks/{webhook['id']}", fields, by=by, **match)


async def post(system: System, webhook: Any, what: str, body: Any = None, **headers: str) -> httpx.Response:
    """Do something with a webhook, whatever the answer."""
    return await system.call("POST", f"/v1/webhooks/{webhook['id']}/{what}", body or {}, by=ADMIN, **headers)


async def log(system: System, webhook: Any, **filters: Any) -> list[Any]:
    """The deliveries of a webhook."""
    shown = await system.get(f"/v1/webhooks/{webhook['id']}/deliveries", by=AUDITOR, **filters)
    items: list[Any] = shown["items"]
    return items


async def feed(system: System, ticket_no: str) -> list[Any]:
    """The public feed's events of a ticket, once its last one is settled."""
    timeline = await system.get(f"/v1/tickets/{ticket_no}/timeline", by=AUDITOR)
    found: list[Any] = []
    place: dict[str, Any] = {}
    while len(found) < len(timeline["items"]):
        page = await system.get("/v1/events", by=AUDITOR, limit=200, **place)
        found += [item for item in page["items"] if item["ticket_no"] == ticket_no]
        place = {"cursor": page["next_cursor"]} if page["next_cursor"] else place
    return found


async def all_delivered(system: System, webhook: Any, count: int) -> None:
    """Wait until so many deliveries have arrived."""

    async def arrived() -> bool:
        return len(await log(system, webhook, state="delivered")) >= count

    await until(arrived)


async def test_a_receiver_gets_what_the_feed_shows_in_the_order_of_the_journal(
    system: System, receiver: Receiver
) -> None:
    webhook = await make(system, receiver.url)
    ticket_no = await system.closed()
    events = await feed(system, ticket_no)

    async def is_complete() -> bool:
        return len(receiver.seqs(ticket_no)) >= len(events)

    await until(is_complete)
    # What was written after the look at the feed may have come too.
    mine = [each for each in receiver.received if each.body["ticket_no"] == ticket_no][: len(events)]
    assert [each.verified(webhook["secret"]) for each in mine] == events
    assert [each.id for each in mine] == [item["id"] for item in events]


async def test_contacts_and_texts_reach_no_receiver(system: System, receiver: Receiver) -> None:
    webhook = await make(system, receiver.url)
    ticket_no = await system.resolved()
    await all_delivered(system, webhook, 4)
    sent = "".join(each.text + str(each.headers) for each in receiver.received)
    assert ticket_no in sent
    for said in ("韩梅梅", "+8613", "冰箱不制冷", "压缩机已更换"):
        assert said not in sent


async def test_the_secret_is_shown_at_the_making_and_in_its_replay_and_never_again(
    system: System, receiver: Receiver
) -> None:
    body = {"url": receiver.url}
    made = [
        await system.call("POST", "/v1/webhooks", body, by=ADMIN, Idempotency_Key="webhook-secret") for _ in range(2)
    ]
    first, replayed = (answer.json() for answer in made)
    assert first["secret"].startswith("whsec_")
    assert first == replayed
    assert made[1].headers["Idempotent-Replay"] == "true"
    for path in ("/v1/webhooks", f"/v1/webhooks/{first['id']}", f"/v1/webhooks/{first['id']}/deliveries"):
        assert "whsec_" not in str(await system.get(path, by=ADMIN))


async def test_a_rotation_shows_the_new_secret_once_and_both_verify(system: System, receiver: Receiver) -> None:
    webhook = await make(system, receiver.url)
    rotated = (await post(system, webhook, "rotate-secret", Idempotency_Key="rotation-1")).json()
    again = (await post(system, webhook, "rotate-secret", Idempotency_Key="rotation-1")).json()
    assert rotated["secret"] == again["secret"] != webhook["secret"]
    assert rotated["version"] == webhook["version"] + 1
    await system.register()
    await all_delivered(system, webhook, 1)
    for secret in (webhook["secret"], rotated["secret"]):
        assert receiver.received[0].verified(secret)


async def test_a_change_obeys_if_match_and_raises_the_version(system: System, receiver: Receiver) -> None:
    webhook = await make(system, receiver.url, description="ERP")
    changed = await change(system, webhook, version=webhook["version"], types=["ticket.closed"])
    assert changed.json()["types"] == ["ticket.closed"]
    assert changed.headers["ETag"] == f'"{webhook["version"] + 1}"'
    stale = await change(system, webhook, version=webhook["version"], description="CRM")
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    same = await change(system, webhook, types=["ticket.closed"])
    assert same.json()["version"] == webhook["version"] + 1
    assert same.json()["description"] == "ERP"


async def test_a_deleted_webhook_is_not_found_and_gets_nothing(system: System, receiver: Receiver) -> None:
    webhook = await make(system, receiver.url)
    path = f"/v1/webhooks/{webhook['id']}"
    assert (await system.call("DELETE", path, by=ADMIN, If_Match='"99"')).status_code == 412
    assert (await system.call("DELETE", path, by=ADMIN)).status_code == 200
    assert (await system.call("GET", path, by=ADMIN)).status_code == 404
    assert (await system.call("DELETE", path, by=ADMIN)).status_code == 404
    witness = await make(system, receiver.url)
    await system.register()
    await all_delivered(system, witness, 1)
    assert {bool(each.verified(witness["secret"])) for each in receiver.received} == {True}


async def test_a_delivery_is_sent_again_under_its_id_when_it_is_asked_for(system: System, receiver: Receiver) -> None:
    webhook = await make(system, receiver.url)
    await system.register()
    await all_delivered(system, webhook, 1)
    delivery = (await log(system, webhook))[-1]
    answer = await post(system, webhook, "redeliver", {"delivery_id": delivery["id"]})
    assert (answer.status_code, answer.json()) == (202, {"count": 1, "more": False})

    async def came_twice() -> bool:
        return receiver.ids.count(delivery["event_id"]) == 2

    await until(came_twice)
    await all_delivered(system, webhook, 1)


async def test_what_a_webhook_did_not_take_is_sent_again_since_an_instant(system: System, receiver: Receiver) -> None:
    receiver.answers(410)
    webhook = await make(system, receiver.url)
    ticket_no = await system.register()

    async def is_off() -> bool:
        return not (await system.get(f"/v1/webhooks/{webhook['id']}", by=ADMIN))["active"]

    await until(is_off)
    refused = await post(system, webhook, "redeliver", {"since": webhook["created_at"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_inactive")
    receiver.answers(200)
    await change(system, webhook, active=True)
    answer = await post(system, webhook, "redeliver", {"since": webhook["created_at"]})
    assert answer.json()["count"] >= 1
    await all_delivered(system, webhook, answer.json()["count"])
    assert receiver.seqs(ticket_no) == [1, 1]


@pytest.mark.parametrize("body", [{}, {"delivery_id": "d-1", "since": "2026-11-23T00:00:00Z"}, {"since": 1}])
async def test_a_redelivery_says_what_to_send(system: System, receiver: Receiver, body: dict[str, Any]) -> None:
    webhook = await make(system, receiver.url)
    answer = await post(system, webhook, "redeliver", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_delivery_of_another_webhook_is_not_found(system: System, receiver: Receiver) -> None:
    first, second = await make(system, receiver.url), await make(system, receiver.url)
    test = (await post(system, first, "test")).json()
    assert (await post(system, second, "redeliver", {"delivery_id": test["id"]})).status_code == 404


async def test_a_test_arrives_signed_and_shows_in_the_log(system: System, receiver: Receiver) -> None:
    webhook = await make(system, receiver.url, types=["ticket.closed"])
    answer = await post(system, webhook, "test")
    assert answer.status_code == 202
    await all_delivered(system, webhook, 1)
    (received,) = receiver.received
    event = received.verified(webhook["secret"])
    assert (event["type"], event["id"], event["ticket_no"]) == ("webhook.test", answer.json()["event_id"], None)


async def test_the_log_shows_every_try_and_the_webhook_what_waits(system: System, receiver: Receiver) -> None:
    receiver.answers(500)
    webhook = await make(system, receiver.url)
    ticket_no = await system.register()

    async def was_tried() -> bool:
        return any(item["attempts"] for item in await log(system, webhook, ticket_no=ticket_no))

    await until(was_tried)
    delivery = (await log(system, webhook, ticket_no=ticket_no, state="pending"))[-1]
    assert delivery["next_try_at"] is not None
    assert [(each["status"], each["error"]) for each in delivery["attempts"]] == [(500, "status")]
    assert await log(system, webhook, ticket_no=ticket_no, state="delivered") == []
    shown = await system.get(f"/v1/webhooks/{webhook['id']}", by=ADMIN)
    assert shown["pending"] >= 1
    await change(system, webhook, active=False)
    shown = await system.get(f"/v1/webhooks/{webhook['id']}", by=ADMIN)
    assert (shown["pending"], shown["disabled_reason"]) == (0, "switched_off")


async def test_lists_go_on_where_they_ended(system: System, receiver: Receiver) -> None:
    made = [(await make(system, receiver.url))["id"] for _ in range(3)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await system.get("/v1/webhooks", by=ADMIN, limit=2, **cursor)
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(found) == len(set(found))
    assert [each for each in found if each in made] == made


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://10.0.0.1/"}, "/url"),
        ({"url": "ftp://example.com"}, "/url"),
        ({"url": "x" * 3_000}, "/url"),
        ({"url": None}, "/url"),
        ({}, "/url"),
        ({"url": "http://127.0.0.1/", "types": ["ticket.exploded"]}, "/types/0"),
        ({"url": "http://127.0.0.1/", "department": "nowhere"}, "/department"),
        ({"url": "http://127.0.0.1/", "secret": "whsec_mine"}, "/secret"),
        ({"url": "http://127.0.0.1/", "description": "x" * 201}, "/description"),
    ],
)
async def test_a_webhook_that_cannot_be_is_refused_by_its_field(
    system: System, body: dict[str, Any], pointer: str
) -> None:
    answer = await system.call("POST", "/v1/webhooks", body, by=ADMIN)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_a_key_of_a_department_knows_the_webhooks_of_its_department_alone(
    system: System, receiver: Receiver
) -> None:
    key = await system.issue_key("ERP", Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE, department=OWN)
    everything = await make(system, receiver.url)
    elsewhere = await make(system, receiver.url, department=OTHER)
    own = await make(system, receiver.url, by=key)
    assert own["department"] == OWN
    for webhook in (everything, elsewhere):
        path = f"/v1/webhooks/{webhook['id']}"
        for method, part, body in (
            ("GET", "", None),
            ("PATCH", "", {"active": False}),
            ("DELETE", "", None),
            ("GET", "/deliveries", None),
            ("POST", "/redeliver", {"delivery_id": "d-1"}),
            ("POST", "/rotate-secret", {}),
            ("POST", "/test", {}),
        ):
            assert (await system.call(method, path + part, body, by=key)).status_code == 403, f"{method} {part}"
    assert [item["id"] for item in (await system.get("/v1/webhooks", by=key))["items"]] == [own["id"]]
    for department in (OTHER, None):
        assert (await change(system, own, by=key, department=department)).status_code == 403


async def test_events_of_another_department_do_not_reach_a_department_s_webhook(
    system: System, receiver: Receiver
) -> None:
    webhook = await make(system, receiver.url, department=OWN)
    witness = await make(system, receiver.url)
    own = await system.accepted()
    other = await system.register(category="logistics_delay", by="钱进")
    await system.do(own, "assign", {"department": OTHER}, by="王芳")
    await system.do(own, "chase", by="钱进")
    moved = len((await system.get(f"/v1/tickets/{own}/timeline", by=AUDITOR))["items"])

    async def witnessed() -> bool:
        seen = {each.id for each in receiver.received if _signed(each, witness["secret"])}
        return {f"{own}-{moved}", f"{other}-1"} <= seen

    await until(witnessed)
    sent = {each.id for each in receiver.received if _signed(each, webhook["secret"])}
    assert f"{own}-1" in sent
    assert not any(each.startswith(other) for each in sent)
    assert f"{own}-{moved}" not in sent


def _signed(received: Any, secret: str) -> bool:
    try:
        return bool(received.verified(secret))
    except Exception:  # noqa: BLE001 - signed with another's
        return False
