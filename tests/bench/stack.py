"""The stack to be measured: started as `make up` starts it, in a folder of its own, on free ports."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx

from services.commands.local import first_start
from services.commands.local.machine import CHECKOUT, WEB, Machine
from services.runtime.stack.home import Home
from services.runtime.stack.ports import free_port
from services.runtime.stack.postgres import SUPERUSER
from services.runtime.stack.programs import Program, end, last_line, spawn
from services.runtime.stack.settings import StackSettings
from services.runtime.stack.supervisor import Supervisor

# One key does all the asking here, so the limit of one caller must not be what is measured.
UNLIMITED = {"BIHUAN_RATE_LIMIT": "10000000/minute"}
START_SECONDS = 120.0
APPLICATION = "bench"
"""Our own connections are known to PostgreSQL by this."""


@dataclass(frozen=True)
class Stack:
    """A running stack and how to reach it."""

    machine: Machine
    key: str

    @property
    def url(self) -> str:
        """The public address."""
        return self.machine.addresses.url

    @property
    def pids(self) -> list[tuple[str, int]]:
        """Name and pid of each process, PostgreSQL and Temporal among them; several of a kind bear one name."""
        return [(each.program.name.partition("-")[0], each.process.pid) for each in self.machine.supervisor.running]

    async def connect(self, *, superuser: bool = False) -> asyncpg.Connection:
        """Connect to the database as its owner, or as the server's superuser: the caller closes it."""
        return await asyncpg.connect(
            self.machine.addresses.owner_url,
            user=SUPERUSER if superuser else None,
            password=self.machine.home.secret("postgres") if superuser else None,
            server_settings={"application_name": APPLICATION},
        )

    async def until_ready(self, internal: str) -> None:
        """Return when the process with this internal address can work."""
        async with asyncio.timeout(START_SECONDS):
            while not await _is_ready(internal):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.5)

    @asynccontextmanager
    async def beside(self, module: str, **environment: str) -> AsyncIterator[int]:
        """Run a module as a process beside the stack, logged like the others; raises when it ends in between.

        Its pid is what the block gets.
        """
        program = Program(
            name=module.rpartition(".")[2],
            argv=(sys.executable, "-m", module),
            folder=CHECKOUT,
            log=self.machine.home.logs / f"{module}.log",
            environment={**os.environ, **environment},
        )
        process = await spawn(program)
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(_complain_when_ended(process, program))
                yield process.pid
                watch.cancel()
        finally:
            await end(process, program)


async def _complain_when_ended(process: asyncio.subprocess.Process, program: Program) -> None:
    await process.wait()
    raise RuntimeError(f"{program.name} ended: {last_line(program.log)}")


@asynccontextmanager
async def running(*, worker: bool, **environment: str) -> AsyncIterator[Stack]:
    """An empty stack; without a worker nothing stands behind intake, which answers without the engine."""
    with _settings({**UNLIMITED, **environment}):
        async with _started(worker=worker) as stack:
            yield stack


@asynccontextmanager
async def _started(*, worker: bool) -> AsyncIterator[Stack]:
    async with _machine() as machine:
        if worker:
            await machine.start_processes()
        else:
            web = machine.program("web", WEB, machine.addresses.web)
            await machine.supervisor.start(web, lambda: _answers(machine.addresses.web))
        await first_start.bootstrap(machine)
        yield Stack(machine, (machine.home.path / "admin.key").read_text().strip())


@asynccontextmanager
async def _machine() -> AsyncIterator[Machine]:
    with _folder() as folder:
        home = Home(folder)
        home.prepare()
        supervisor = Supervisor(lambda sentence: print(sentence, file=sys.stderr))  # noqa: T201
        settings = StackSettings(home=folder, port=str(free_port()), database_url=None, temporal_address=None)
        machine = Machine(home, settings, supervisor)
        try:
            await machine.start_postgres()
            await machine.start_temporal()
            await machine.migrate()
            yield machine
        finally:
            await supervisor.stop()


async def _is_ready(internal: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{internal}/readyz")).is_success
    except httpx.HTTPError:
        return False


async def _answers(internal: str) -> None:
    parts = urlsplit(internal)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.close()


@contextmanager
def _settings(environment: Mapping[str, str]) -> Iterator[None]:
    """Set what processes inherit, until the stack is gone."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="bihuan-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
