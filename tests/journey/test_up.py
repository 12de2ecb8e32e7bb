"""`make up`, sentence by sentence: what it shows, what it refuses, what it survives."""

import stat
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from services.commands.local.machine import APP, OWNER
from services.contracts.directory import Scope
from services.runtime.stack.postgres import SUPERUSER, Postgres
from tests.journey.tours import copy_into_a_shell, refusals
from tests.stack import Stack, is_running, wait_until

FEEDBACK = {
    "channel": "web",
    "customer": {"name": "韩梅梅", "phone": "+8613800138000"},
    "product": {"order_no": "ORD2023901"},
    "kind": "fault",
    "description": "冰箱不制冷",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("up") / "home", DEMO="1", BIHUAN_WEBHOOK_NETWORKS="127.0.0.1/32")
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def stack(home: Path) -> Iterator[Stack]:
    own = Stack(home)
    yield own
    own.stop()


def test_it_prints_the_address_and_how_to_sign_in(running: Stack) -> None:
    said = running.output()
    assert running.url in said
    assert "admin" in said
    assert str(running.home / "admin.key") in said


def test_the_admin_key_is_one_line_for_its_owner_alone_and_has_every_scope(running: Stack) -> None:
    file = running.home / "admin.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().count("\n") == 1
    with running.client() as client:
        keys = client.get("/v1/api-keys").raise_for_status().json()["items"]
    assert set(keys[0]["scopes"]) == {scope.value for scope in Scope}


def test_the_printed_user_signs_in_with_the_filed_password(running: Stack) -> None:
    password = (running.home / "admin.password").read_text().strip()
    with running.client() as client:
        answer = client.post("/v1/token", json={"username": "admin", "password": password})
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "bearer"


def test_the_first_start_loads_demonstration_tickets_that_went_through_the_public_api(running: Stack) -> None:
    with running.client() as client:
        tickets = client.get("/v1/tickets").raise_for_status().json()["items"]
    assert len(tickets) >= 5
    assert len({ticket["status"] for ticket in tickets}) >= 3
    assert "incomplete" not in running.output()


def test_the_engine_serves_nothing_over_http(running: Stack) -> None:
    path = "/api/v1/namespaces/default/workflows"
    answers = []
    for connection in psutil.Process(running.processes()["temporal"]["pid"]).net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN:
            for host in ("127.0.0.1", "localhost", ""):
                with suppress(httpx.TransportError):  # most ports speak another protocol
                    address = f"http://127.0.0.1:{connection.laddr.port}{path}"
                    answers.append(httpx.get(address, headers={"Host": host}, trust_env=False).status_code)
    assert set(answers) == {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


def test_endpoints_lists_processes_pids_and_addresses_and_no_secret(running: Stack) -> None:
    processes = running.processes()
    assert set(processes) == {"up", "postgres", "temporal", "web", "worker"}
    assert all(is_running(process["pid"]) for process in processes.values())
    assert all(process["address"] for name, process in processes.items() if name not in {"up", "worker"})
    text = (running.home / "endpoints.json").read_text()
    secrets = [file.read_text().strip() for file in (running.home / "secrets").iterdir()]
    assert not [secret for secret in [*secrets, running.key] if secret in text]


def test_the_home_is_closed_to_others(running: Stack) -> None:
    assert not running.home.stat().st_mode & 0o066
    for private in ("secrets", "logs", "postgres"):
        assert not (running.home / private).stat().st_mode & 0o077


def test_logs_hold_no_contact_and_no_secret(running: Stack) -> None:
    text = "".join(log.read_text(errors="replace") for log in (running.home / "logs").glob("*.log"))
    assert "13800138" not in text
    assert running.key not in text


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("README.md", []),
        ("docs/api.md", ["idempotency_key_reused", "stale_version", "validation_failed", "illegal_transition"]),
    ],
)
def test_the_tour_of_a_page_works_as_it_stands_and_is_refused_only_what_it_shows(
    running: Stack, tmp_path: Path, page: str, shown: list[str]
) -> None:
    tour = copy_into_a_shell(page, running, tmp_path)
    assert refusals(tour.stdout) == shown, tour.stdout
    assert "curl: " not in tour.stderr
    assert '"phase":"closed"' in tour.stdout


def test_openapi_and_its_readable_page_are_served(running: Stack) -> None:
    with running.client() as client:
        assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
        page = client.get("/docs")
        assert "text/html" in page.headers["content-type"]
        assert "default-src 'none'; script-src 'sha256-" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]


def test_a_second_up_on_the_same_home_is_one_sentence_and_not_0(running: Stack) -> None:
    second = Stack(running.home).try_again()
    assert second.returncode == 1
    assert len(second.stderr.strip().splitlines()) == 1
    assert str(running.home) in second.stderr
    assert running.is_up()


def test_a_taken_port_is_one_sentence_that_names_the_setting_and_nothing_is_started(running: Stack, home: Path) -> None:
    other = Stack(home)
    other.port = running.port
    refused = other.try_again()
    assert refused.returncode == 1
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "BIHUAN_PORT" in refused.stderr
    assert not (home / "postgres").exists()


@pytest.mark.parametrize(
    "setting",
    [
        {"BIHUAN_DATABASE_URL": "postgresql://bihuan:canary-password@127.0.0.1:1/bihuan"},
        {"BIHUAN_DATABASE_URL": "canary-password"},
        {"BIHUAN_TEMPORAL_ADDRESS": "127.0.0.1:1"},
        {"BIHUAN_PORT": "many"},
    ],
    ids=["no server there", "no address at all", "no engine there", "no port"],
)
def test_a_broken_address_is_one_sentence_before_anything_is_started(home: Path, setting: dict[str, str]) -> None:
    refused = Stack(home, **setting).try_again()
    assert refused.returncode == 1
    assert len(refused.stderr.strip().splitlines()) == 1
    assert next(iter(setting)) in refused.stderr
    assert "canary-password" not in refused.stderr + refused.stdout
    assert not (home / "postgres").exists()


@pytest.mark.parametrize("name", ["worker", "web", "temporal", "postgres"])
def test_a_part_that_dies_is_started_again(running: Stack, name: str) -> None:
    before = running.processes()[name]["pid"]
    running.kill(name)
    wait_until(lambda: running.processes()[name]["pid"] != before, 30)
    running.wait_until_ready()
    assert name in running.output()
    with running.client() as client:
        assert client.get("/v1/tickets").status_code == 200


def test_killed_with_9_and_started_again_everything_is_there_and_no_promise_moved(stack: Stack) -> None:
    stack.start()
    with stack.client() as client:
        answer = client.post("/v1/feedback", json=FEEDBACK).raise_for_status().json()
        path = f"/v1/tickets/{answer['ticket_no']}"
        before = {clock["name"]: clock["due_at"] for clock in client.get(path).json()["clocks"]}
    key, left = stack.key, [process["pid"] for process in stack.processes().values()]
    stack.kill("up")
    stack.start()
    assert stack.key == key
    wait_until(lambda: not any(is_running(pid) for pid in left), 30)
    with stack.client() as client:
        ticket = client.get(path).raise_for_status().json()
        assert {clock["name"]: clock["due_at"] for clock in ticket["clocks"]} == before
        assert client.post(f"{path}/accept", json={}).status_code == 200


def test_sigterm_stops_every_process_with_status_0_and_the_second_start_migrates_nothing(stack: Stack) -> None:
    stack.start()
    with stack.client() as client:
        assert client.get("/v1/tickets").json()["items"] == []  # DEMO=0 starts empty
    pids = [process["pid"] for process in stack.processes().values()]
    assert stack.stop() == 0
    assert not [pid for pid in pids if is_running(pid)]
    assert not (stack.home / "endpoints.json").exists()
    migrated = stack.home / "logs/migrate.log"
    migrated.unlink()
    stack.start()
    assert not migrated.exists()


async def test_an_external_database_is_used_instead_and_services_work_with_fewer_rights(
    postgres: Postgres, home: Path
) -> None:
    password = postgres.password
    await postgres.provide("bihuan_external", OWNER, {OWNER: password, APP: password})
    url = postgres.url(OWNER, password, "bihuan_external")
    stack = Stack(home, BIHUAN_DATABASE_URL=url)
    try:
        stack.start()
        assert "postgres" not in stack.processes()
        with stack.client() as client:
            client.post("/v1/feedback", json=FEEDBACK).raise_for_status()
        administrator = await asyncpg.connect(postgres.url(SUPERUSER, password, "bihuan_external"))
        written = await administrator.fetchval("SELECT count(*) FROM intake.feedback")
        await administrator.close()
        assert written == 1
        assert password not in (home / "endpoints.json").read_text()
    finally:
        stack.stop()
