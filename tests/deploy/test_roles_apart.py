"""Each role in a process of its own, with the settings of deploy/compose.yaml, carries a ticket from form to board."""

import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import OKPKey

from services.contracts.names import Role
from services.runtime.security.auth import SESSION_COOKIE
from tests.conftest import APP, OWNER
from tests.deploy.apart import RolesApart
from tests.engine import local_engine
from tests.stack import wait_until


@pytest.fixture
async def apart(
    fresh_database: Callable[[], AbstractAsyncContextManager[str]], tmp_path: Path
) -> AsyncIterator[RolesApart]:
    """A set-up with secrets, PostgreSQL and Temporal, in which nothing runs yet."""
    pair = OKPKey.generate_key("Ed25519")
    async with (
        fresh_database() as url,
        await local_engine() as engine,
    ):
        secrets = {
            "owner_url": url,
            "app_url": url.replace(f"//{OWNER}:", f"//{APP}:"),
            "internal_secret": "between-services",
            "link_secret": "links",
            "signing.pem": pair.as_pem(private=True).decode(),
            "verify.pem": pair.as_pem(private=False).decode(),
        }
        yield RolesApart(tmp_path, secrets, engine.client.service_client.config.target_host)


async def test_a_ticket_goes_its_way_through_roles_that_share_nothing_but_addresses(apart: RolesApart) -> None:
    assert "up to date" in apart.run("migrate", "migrate")
    with apart.up() as processes:
        said = apart.run("directory", "first-administrator")
        [key] = re.findall(r"bh_\S+", said)
        with httpx.Client(base_url=apart.url, trust_env=False, timeout=30) as client:
            _carry_a_ticket(client, {"Authorization": f"Bearer {key}"})
            _sign_in_and_out(client, {"Authorization": f"Bearer {key}"})
        for role in Role:
            assert 'bihuan_dependency_up{dependency="postgresql"} 1.0' in apart.metrics(role) or role is Role.CONSOLE
        assert "bihuan_clocks_overdue_unalerted" in apart.metrics(Role.TICKETS)
        assert "temporal_num_pollers" in apart.metrics(Role.TICKETS_WORKER)
        assert "0 without a workflow" in apart.run("tickets", "reconcile")
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        assert {name: process.wait(60) for name, process in processes.items()} == dict.fromkeys(processes, 0)


def _sign_in_and_out(client: httpx.Client, authorization: dict[str, str]) -> None:
    """Whoever signs out at the directory is signed out of the workflow service, of notify and of the pages."""
    credentials = {"username": "wangfang", "password": "correct horse battery"}
    hired = client.post(
        "/v1/staff", json={**credentials, "name": "王芳", "roles": ["supervisor"]}, headers=authorization
    )
    assert hired.status_code == 201, hired.text
    token = client.post("/v1/token", json=credentials).json()["access_token"]
    bearer, cookie = {"Authorization": f"Bearer {token}"}, {"Cookie": f"{SESSION_COOKIE}={token}"}
    wanted = [("/v1/tickets", bearer), ("/v1/alerts", bearer), ("/v1/surveys", bearer), ("/board", cookie)]
    for path, headers in wanted:
        assert client.get(path, headers=headers).status_code == 200, path
    assert client.post("/v1/me/sign-out", headers=bearer).status_code == 200
    wait_until(lambda: all(client.get(path, headers=it).status_code in {303, 401} for path, it in wanted), 10)


def _carry_a_ticket(client: httpx.Client, authorization: dict[str, str]) -> None:
    body = {
        "channel": "phone",
        "kind": "fault",
        "category": "product_fault",
        "customer": {"name": "韩梅梅", "phone": "+8613800138000"},
        "product": {"model": "BCD-500", "serial_no": "SER20230915002"},
        "description": "冰箱不制冷",
    }
    registered = client.post("/v1/feedback", json=body, headers=authorization)
    assert registered.status_code == 201, registered.text
    path = f"/v1/tickets/{registered.json()['ticket_no']}"
    wait_until(lambda: client.get(path, headers=authorization).is_success, 30)
    accepted = client.post(f"{path}/accept", json={"department": "service-centre"}, headers=authorization)
    assert (accepted.status_code, accepted.json().get("phase")) == (200, "processing.assigned"), accepted.text
    for page in (registered.json()["links"]["ticket"], "/f", "/sign-in"):
        assert client.get(page).status_code == 200, page
    wait_until(lambda: bool(client.get("/v1/notices", headers=authorization).json()["items"]), 30)
