"""A complaint from the first word to the confirmed end, each step by the person whose step it is, on real servers."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.stack import Stack

PASSWORD = "correct horse battery"
PEOPLE: dict[str, tuple[str, list[str], str | None]] = {
    "li.lei": ("李雷", ["clerk"], None),
    "zhou.qiang": ("周强", ["handler"], "repair"),
    "sun.yan": ("孙燕", ["department_head"], "repair"),
    "wang.fang": ("王芳", ["supervisor"], None),
    "zhao.min": ("赵敏", ["handler"], "logistics"),
}
COMPLAINT = {
    "channel": "phone",
    "kind": "complaint",
    "category": "product_fault",
    "urgency": "urgent",
    "customer": {"name": "韩梅梅", "phone": "13800138000", "tier": "vip"},
    "product": {"model": "BCD-500"},
    "description": "冰箱不制冷，已经是第二次了",
    "desired_solution": "repair",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    own = Stack(tmp_path_factory.mktemp("complaint") / "home")
    try:
        own.start()
        yield own
    finally:
        own.stop()


@pytest.fixture(scope="module")
def people(stack: Stack) -> Iterator[dict[str, httpx.Client]]:
    """Everybody, signed in with a password of their own."""
    clients: dict[str, httpx.Client] = {}
    with stack.client() as admin:
        for id_ in ("repair", "logistics"):
            admin.post("/v1/departments", json={"id": id_, "name": id_}).raise_for_status()
        for username, (name, roles, department) in PEOPLE.items():
            body = {"username": username, "name": name, "roles": roles, "department": department, "password": PASSWORD}
            created = admin.post("/v1/staff", json=body).raise_for_status().json()
            clients[username] = _sign_in(stack, username)
            clients[username].headers["X-Id"] = created["id"]
    yield clients
    for client in clients.values():
        client.close()


def _sign_in(stack: Stack, username: str) -> httpx.Client:
    client = httpx.Client(base_url=stack.url, trust_env=False, timeout=30)
    answer = client.post("/v1/token", json={"username": username, "password": PASSWORD}).raise_for_status().json()
    client.headers["Authorization"] = f"Bearer {answer['access_token']}"
    return client


def test_from_the_first_word_to_the_confirmed_end(people: dict[str, httpx.Client]) -> None:
    clerk, handler, head = people["li.lei"], people["zhou.qiang"], people["sun.yan"]
    supervisor, stranger = people["wang.fang"], people["zhao.min"]
    registered = clerk.post("/v1/feedback", json=COMPLAINT).raise_for_status().json()
    number = registered["ticket_no"]
    assert (registered["complete"], registered["missing"]) == (False, ["product.order_no_or_serial_no"])
    assert all(registered["promised"][promise] > registered["received_at"] for promise in ("accept_by", "respond_by"))

    asked = {"fields": ["product.serial_no"], "message": "请提供机身序列号"}
    assert _step(clerk, number, "request-information", asked)["phase"] == "pending.awaiting_information"
    assert _clock(clerk, number, "acceptance")["paused_reasons"] == ["customer"]
    supplied = _step(clerk, number, "supply-information", {"product": {"serial_no": "SER20230915002"}})
    assert (supplied["phase"], supplied["complete"]) == ("pending.review", True)

    accepted = {"department": "repair", "owner": handler.headers["X-Id"], "complex": True}
    assert _step(clerk, number, "accept", accepted)["priority"] == "high"
    assert stranger.get(f"/v1/tickets/{number}").status_code == 403
    assert handler.get(f"/v1/tickets/{number}").json()["customer"]["phone"] == "+8613800138000"
    assert head.get(f"/v1/tickets/{number}").json()["customer"]["phone"] == "138****8000"

    _step(handler, number, "respond", {"message": "您好，我是维修工程师周强"})
    assert _step(handler, number, "plan", {"steps": ["检测压缩机", "更换"]})["phase"] == "processing.assigned"
    assert handler.post(f"/v1/tickets/{number}/approve-plan").status_code == 403
    assert _step(head, number, "approve-plan", {})["phase"] == "processing.planned"
    assert _step(handler, number, "wait", {"reason": "parts"})["phase"] == "processing.waiting"
    assert _clock(handler, number, "resolution")["due_at"] is None
    _step(handler, number, "resume", {})
    resolved = {"result": "resolved", "summary": "更换压缩机", "cause": "hardware", "verified_with_customer": True}
    assert _step(handler, number, "resolve", resolved)["phase"] == "resolved.awaiting_callback"

    satisfied = {"outcome": "satisfied", "channel": "phone", "score": 5}
    assert _step(clerk, number, "record-callback", satisfied)["phase"] == "resolved.awaiting_second_callback"
    assert clerk.post(f"/v1/tickets/{number}/record-callback", json=satisfied).status_code == 403
    closed = _step(supervisor, number, "record-callback", satisfied)
    assert (closed["status"], closed["close_reason"]) == ("closed", "confirmed")
    assert {clock["state"] for clock in closed["clocks"]} <= {"met", "cancelled"}

    events = clerk.get(f"/v1/tickets/{number}/timeline", params={"limit": 200}).json()["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "ticket.closed"


def test_a_customer_who_is_not_content_gets_another_cycle(people: dict[str, httpx.Client]) -> None:
    clerk, supervisor = people["li.lei"], people["wang.fang"]
    body = {**COMPLAINT, "kind": "consultation"}
    number = clerk.post("/v1/feedback", json=body).raise_for_status().json()["ticket_no"]
    _step(clerk, number, "accept", {"department": "repair"})
    _step(people["zhou.qiang"], number, "resolve", {"result": "resolved", "summary": "已答复"})
    unhappy = {"outcome": "dissatisfied", "channel": "phone", "note": "没有解决"}
    again = _step(clerk, number, "record-callback", unhappy)
    assert (again["phase"], again["cycle"]) == ("processing.assigned", 2)
    filed = {"reason_code": "no_solution", "reason": "产品停产，无法维修"}
    closed = _step(supervisor, number, "close-unresolved", filed)
    assert (closed["close_reason"], closed["close_note"]) == ("unresolved", "产品停产，无法维修")


def _step(client: httpx.Client, number: str, command: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"/v1/tickets/{number}/{command}", json=body)
    assert answer.is_success, answer.text
    view: dict[str, Any] = answer.json()
    return view


def _clock(client: httpx.Client, number: str, name: str) -> dict[str, Any]:
    clocks = client.get(f"/v1/tickets/{number}/clocks").raise_for_status().json()["items"]
    found: dict[str, Any] = next(clock for clock in clocks if clock["name"] == name)
    return found
