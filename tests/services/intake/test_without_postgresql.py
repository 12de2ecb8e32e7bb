"""PostgreSQL down: 503, never a false 2xx, and one ticket after the retries (I1, I3)."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from services import migrations
from services.intake.tables import metadata
from services.runtime.postgres.database import Database
from services.runtime.stack.postgres import Postgres
from services.runtime.stack.programs import end, spawn
from tests.ports import free_port
from tests.services.intake.harness import IntakeHarness, feedback
from tests.services.repeats import until_known

pytestmark = pytest.mark.slow
PASSWORD = secrets.token_urlsafe(16)


class Server:
    """A PostgreSQL of this test's own, to be killed."""

    def __init__(self, home: Path) -> None:
        self.postgres = Postgres(home / "postgres", free_port(), PASSWORD, home / "postgres.log", home)
        self.postgres.prepare()
        self._program = self.postgres.program()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start and wait until it answers."""
        self.postgres.prepare()
        self._process = await spawn(self._program)
        async with asyncio.timeout(30):
            while True:
                try:
                    return await self.postgres.ping()
                except OSError:
                    await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """Kill it without warning."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """Stop it."""
        assert self._process
        await end(self._process, self._program)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A running server."""
    server = Server(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def database_url(server: Server) -> str:
    """A database with intake's tables."""
    await server.postgres.provide("bihuan", "bihuan", {"bihuan": PASSWORD, "bihuan_app": PASSWORD})
    url = server.postgres.url("bihuan", PASSWORD, "bihuan")
    await migrations.upgrade(url)
    database = Database(url)
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await database.dispose()
    return url


async def test_a_dead_postgresql_is_told_and_the_retries_make_one_ticket_each(
    harness: IntakeHarness, server: Server
) -> None:
    async def send(key: str) -> httpx.Response:
        return await harness.call("POST", "/v1/feedback", feedback(), Idempotency_Key=key)

    keys = [f"k{number}" for number in range(60)]
    sending = [asyncio.create_task(send(key)) for key in keys]
    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    await server.kill()
    first = dict(zip(keys, await asyncio.gather(*sending), strict=True))
    assert {answer.status_code for answer in first.values()} <= {201, 503}

    refused = await send("k-down")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await harness.internal.get("/readyz")).status_code == 503

    await server.start()
    second = {key: await until_known(partial(send, key)) for key in keys}
    assert {answer.status_code for answer in second.values()} == {201}
    for key in keys:
        if first[key].status_code == 201:
            assert second[key].json() == first[key].json()
    async with harness.intake.database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM intake.feedback"))).scalar_one() == len(keys)
        assert (await connection.execute(text("SELECT count(*) FROM intake.outbox"))).scalar_one() == len(keys)
    assert (await harness.internal.get("/readyz")).status_code == 200
