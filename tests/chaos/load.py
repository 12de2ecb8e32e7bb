"""A load that keeps its own ledger: every request is repeated with its key until it is answered."""

import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.stack import Stack

FEEDBACK = {
    "channel": "phone",
    "kind": "fault",
    "category": "product_fault",
    "product": {"model": "BCD-500", "serial_no": "SER20230915002"},
}
STEPS: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("accept", {}),
    ("respond", {"message": "您好，已收到。"}),
    ("plan", {"steps": ["检测", "更换"]}),
    ("resolve", {"result": "resolved", "summary": "更换压缩机"}),
    ("record-callback", {"outcome": "satisfied", "channel": "phone"}),
)
PATIENCE = 120.0


@dataclass
class Written:
    """One ticket in the load's own ledger."""

    description: str
    registered: dict[str, Any]
    steps: list[str] = field(default_factory=list)


class Load:
    """Customers who report and staff who handle, in threads of their own, until told to stop."""

    def __init__(self, stack: Stack, *, threads: int = 4) -> None:
        self.stack = stack
        self.tickets: list[Written] = []
        self.refused: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a request was not answered, however often it was repeated"

    def _work(self) -> None:
        with self.stack.client() as client:
            while not self._stop.is_set():
                self._one_ticket(client)

    def _one_ticket(self, client: httpx.Client) -> None:
        number = uuid.uuid4().hex
        customer = {"name": "韩梅梅", "phone": "+8613800138000", "customer_no": number[:12]}
        description = f"冰箱不制冷 {number}"
        body = {**FEEDBACK, "customer": customer, "description": description}
        written = Written(description, answer_of(client, "/v1/feedback", body, number))
        self.tickets.append(written)
        for name, step in STEPS:
            answer = answer_of(client, f"/v1/tickets/{written.registered['ticket_no']}/{name}", step, number)
            if "code" in answer:
                self.refused.append(f"{name}: {answer['code']}")
                return
            written.steps.append(name)


def answer_of(client: httpx.Client, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Post until somebody answers; a 5xx, a 429 and a broken connection leave the effect unknown."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(httpx.HTTPError):
            answer = client.post(path, json=body, headers={"Idempotency-Key": key})
            if answer.status_code < 500 and answer.status_code != 429:
                told: dict[str, Any] = answer.json()
                return told
        assert time.monotonic() < deadline, f"{path} was never answered"
        time.sleep(0.1)
