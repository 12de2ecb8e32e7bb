"""Several web processes and workers of one stack share the public port and the work, and stand in for each other."""

from collections.abc import Iterator

import httpx
import pytest

from tests.chaos.load import FEEDBACK, answer_of
from tests.stack import Stack, wait_until

COUNTED = 'bihuan_http_requests_total{method="GET",route="/v1/tickets"'
CONNECTIONS = 64
"""The system spreads them by chance: that one process gets none is out of the question."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    own = Stack(tmp_path_factory.mktemp("several") / "home", BIHUAN_WORKERS="2")
    try:
        own.start()
        yield own
    finally:
        own.stop()


def _requests(stack: Stack, name: str) -> float:
    address = stack.processes()[name]["internal_address"]
    told = httpx.get(f"{address}/metrics", trust_env=False).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in told if line.startswith(COUNTED))


def test_the_stack_lists_each_process_by_a_name_of_its_own(stack: Stack) -> None:
    assert set(stack.processes()) == {"up", "postgres", "temporal", "web", "web-2", "worker", "worker-2"}
    assert "2 web processes and 2 workers" in stack.output()
    assert all((stack.home / "logs" / f"{name}.log").exists() for name in ("web", "web-2", "worker", "worker-2"))


def test_connections_to_the_public_port_are_spread(stack: Stack) -> None:
    before = {name: _requests(stack, name) for name in ("web", "web-2")}
    for _ in range(CONNECTIONS):
        with stack.client() as client:
            client.get("/v1/tickets").raise_for_status()
    assert all(_requests(stack, name) > earlier for name, earlier in before.items())


@pytest.mark.parametrize("victims", [("web", "worker"), ("web-2", "worker-2")])
def test_one_of_each_goes_on_without_the_other(stack: Stack, victims: tuple[str, ...]) -> None:
    body = {**FEEDBACK, "customer": {"name": "韩梅梅", "email": "h@example.com"}, "description": "冰箱不制冷"}
    key = "-".join(victims)
    pids = [stack.processes()[name]["pid"] for name in victims]
    stack.kill(*victims)
    with stack.client() as client:
        number = answer_of(client, "/v1/feedback", body, key)["ticket_no"]
        assert answer_of(client, f"/v1/tickets/{number}/accept", {}, key)["status"] == "processing"
    wait_until(lambda: not {stack.processes()[name]["pid"] for name in victims} & set(pids), 60)
