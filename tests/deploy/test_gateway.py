"""deploy/gateway leads each path to a role that serves it."""

import json
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from joserfc.jwk import OKPKey

from services.commands.serve import ASSEMBLIES
from services.contracts.names import Role
from tests.ports import free_port
from tests.programs import CHECKOUT, program

PUBLIC = (Role.INTAKE, Role.TICKETS, Role.DIRECTORY, Role.NOTIFY, Role.SURVEY, Role.CONSOLE)
CADDYFILE = CHECKOUT / "deploy" / "gateway" / "Caddyfile"
OPENAPI = CHECKOUT / "docs" / "openapi.json"


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[tuple[str, str], set[Role]]]:
    """Roles that serve a method and path; assembled without a database, as a process starts without one."""
    keys = tmp_path_factory.mktemp("keys")
    pair = OKPKey.generate_key("Ed25519")
    (keys / "signing.pem").write_bytes(pair.as_pem(private=True))
    (keys / "verify.pem").write_bytes(pair.as_pem(private=False))
    values: dict[str, Any] = {
        "database_url": f"postgresql://nobody@127.0.0.1:{free_port()}/none",
        "internal_secret": "between-services",
        "link_secret": "links",
        "signing_key_file": keys / "signing.pem",
        "verify_key_file": keys / "verify.pem",
    }
    found: dict[tuple[str, str], set[Role]] = {}
    async with AsyncExitStack() as stack:
        for role in PUBLIC:
            package, settings, function = ASSEMBLIES[role]
            own = getattr(import_module(f"{package}.settings"), settings)(**values)
            part = await stack.enter_async_context(getattr(import_module(f"{package}.assembly"), function)(own))
            routes = [route for router in part.routers for route in router.routes if isinstance(route, APIRoute)]
            for method, path in [(method, route.path) for route in routes for method in route.methods or ()]:
                found.setdefault((method, path), set()).add(role)
        yield found


class Recorder(BaseHTTPRequestHandler):
    """Answers whose server this is, and who asked."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65_536

    def answer(self) -> None:
        """Any method."""
        body = json.dumps(
            {"role": self.server.role, "for": self.headers.get_all("X-Forwarded-For")}  # type: ignore[attr-defined]
        ).encode()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the real gateway, behind which every role has a server that tells its name."""
    caddy = program("caddy")
    port, folder = free_port(), tmp_path_factory.mktemp("caddy")
    with ExitStack() as stack:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GATEWAY_ADDRESS": f"http://127.0.0.1:{port}",
            "GATEWAY_INSIDE": str(free_port()),
            "OPENAPI": str(OPENAPI.parent),
            **{role.upper(): f"127.0.0.1:{stack.enter_context(_recorder(role))}" for role in PUBLIC},
        }
        command = [caddy, "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
        process = stack.enter_context(
            subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        )
        stack.callback(process.terminate)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            _wait_until(lambda: client.get("/").is_success or process.poll() is not None)
            yield client


@contextmanager
def _recorder(role: Role) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        server.role = role  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if holds():
                return
        time.sleep(0.05)
    pytest.fail("the gateway did not start")


def test_every_path_leads_to_a_role_that_serves_it(
    served: dict[tuple[str, str], set[Role]], gateway: httpx.Client
) -> None:
    for (method, path), roles in sorted(served.items()):
        if method in {"HEAD", "OPTIONS"}:
            continue
        answer = gateway.request(method, re.sub(r"\{[^}]+\}", "x", path))
        assert answer.json()["role"] in roles, f"{method} {path}"


def test_every_path_of_the_documented_api_is_served(served: dict[tuple[str, str], set[Role]]) -> None:
    documented = json.loads(OPENAPI.read_text())["paths"]
    missing = {(name.upper(), path) for path, methods in documented.items() for name in methods} - set(served)
    assert missing == set()


def test_the_document_of_all_services_is_served_by_the_gateway_itself(gateway: httpx.Client) -> None:
    assert gateway.get("/openapi.json").json() == json.loads(OPENAPI.read_text())


def test_nobody_can_pretend_to_be_another_address(gateway: httpx.Client) -> None:
    answer = gateway.get("/v1/tickets", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.json()["for"] == ["127.0.0.1"]


def test_the_configuration_is_formatted_as_caddy_does(tmp_path: Path) -> None:
    copy = tmp_path / "Caddyfile"
    copy.write_text(CADDYFILE.read_text())
    subprocess.run([program("caddy"), "fmt", "--overwrite", str(copy)], check=True, capture_output=True, timeout=30)
    assert copy.read_text() == CADDYFILE.read_text()
