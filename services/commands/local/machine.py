"""Bihuan on one machine: which servers and processes there are, in which order, with which settings."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import httpx

from services.contracts.names import SEARCH_ATTRIBUTES, Role
from services.runtime.stack import ports, temporal
from services.runtime.stack.errors import StackError
from services.runtime.stack.home import Home, default_path
from services.runtime.stack.postgres import Postgres
from services.runtime.stack.programs import Program, end, last_line, spawn
from services.runtime.stack.settings import StackSettings
from services.runtime.stack.supervisor import Ready, Supervisor
from services.runtime.stack.temporal import Temporal

CHECKOUT = Path(__file__).resolve().parents[3]
DATABASE, OWNER, APP = "bihuan", "bihuan", "bihuan_app"
WEB = (Role.INTAKE, Role.TICKETS, Role.DIRECTORY, Role.NOTIFY, Role.SURVEY, Role.CONSOLE)
WORKER = (Role.RELAY, Role.TICKETS_WORKER, Role.NOTIFY_WORKER, Role.SURVEY_WORKER)

CONNECTIONS = 100
"""Pools of a worker and a web process may take so many; as many are left for what else asks."""
_PEERS = ("INTAKE_URL", "TICKETS_URL", "DIRECTORY_URL", "NOTIFY_URL", "SURVEY_URL")


@dataclass(frozen=True)
class LocalAddresses:
    """Addresses at which the parts find each other: chosen, or made, before the processes start."""

    port: int
    url: str
    webs: tuple[str, ...]
    workers: tuple[str, ...]
    """Internal addresses, one for each process."""
    owner_url: str = ""
    app_url: str = ""
    app_role: str | None = None
    temporal: str = ""

    @property
    def web(self) -> str:
        """The internal address of the first web process."""
        return self.webs[0]

    @property
    def worker(self) -> str:
        """The internal address of the first worker."""
        return self.workers[0]


def local_home(settings: StackSettings) -> Home:
    """The home that the environment names, or this checkout's."""
    return Home((settings.home or default_path(CHECKOUT)).expanduser().absolute())


class Machine:
    """Everything of one stack. Making it chooses the ports; its methods, called in their order here, bring it up."""

    def __init__(self, home: Home, settings: StackSettings, supervisor: Supervisor) -> None:
        self.home = home
        self.settings = settings
        self.supervisor = supervisor
        port = ports.claim_port(settings.host, settings.port)
        host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
        self.addresses = LocalAddresses(
            port=port,
            url=f"http://{f'[{host}]' if ':' in host else host}:{port}",
            webs=tuple(_internal_address() for _ in range(settings.of_each)),
            workers=tuple(_internal_address() for _ in range(settings.of_each)),
        )

    async def check_external_servers(self) -> None:
        """Refuse servers that the environment names and that do not answer, before anything is started."""
        if self.settings.database_url is not None:
            await _check_database(self.settings.database_url.get_secret_value())
        if self.settings.temporal_address is not None:
            try:
                await temporal.ping(self.settings.temporal_address, self.settings.temporal_namespace)
            except ConnectionError as error:
                raise StackError(
                    f"BIHUAN_TEMPORAL_ADDRESS={self.settings.temporal_address} does not answer: {error}"
                ) from None

    async def start_postgres(self) -> None:
        """Start the embedded PostgreSQL with its roles and its database, or take the external one."""
        if self.settings.database_url is not None:
            url = self.settings.database_url.get_secret_value()
            self.addresses = replace(self.addresses, owner_url=url, app_url=url)
            return
        server = Postgres(
            folder=self.home.path / "postgres",
            port=ports.free_port(),
            password=self.home.secret("postgres"),
            log=self.home.logs / "postgres.log",
            software=self.home.path / "software",
            settings=(("max_connections", str(CONNECTIONS * (self.settings.of_each + 1))),),
        )
        server.prepare()
        await self.supervisor.start(server.program(), server.ping)
        passwords = {OWNER: self.home.secret("database-owner"), APP: self.home.secret("database-app")}
        await server.provide(DATABASE, OWNER, passwords)
        self.addresses = replace(
            self.addresses,
            owner_url=server.url(OWNER, passwords[OWNER], DATABASE),
            app_url=server.url(APP, passwords[APP], DATABASE),
        )

    async def start_temporal(self) -> None:
        """Start the embedded Temporal server, or take the external one."""
        namespace = self.settings.temporal_namespace
        address = self.settings.temporal_address
        if address is None:
            server = Temporal(
                self.home.path / "temporal.db",
                ports.free_port(),
                namespace,
                self.home.logs / "temporal.log",
                SEARCH_ATTRIBUTES,
            )
            address = server.address
            await self.supervisor.start(server.program(), server.register)
        self.addresses = replace(self.addresses, temporal=address)

    async def migrate(self) -> None:
        """Bring the schemas up to date, and find out whether services may work as a role of fewer rights."""
        connection = await asyncpg.connect(_dsn(self.addresses.owner_url), timeout=5)
        try:
            if await _revision(connection) != newest_revision():
                await self._run_migrations()
            if self.addresses.app_url == self.addresses.owner_url:
                self.addresses = replace(self.addresses, app_role=await _role_to_take(connection))
        finally:
            await connection.close()

    async def _run_migrations(self) -> None:
        """Run them in a process of their own: what they load would double the time of every other start."""
        command = Program(
            name="migrate",
            argv=(sys.executable, "-m", "services.run", "migrate"),
            folder=CHECKOUT,
            log=self.home.logs / "migrate.log",
            environment={**os.environ, "BIHUAN_DATABASE_URL": self.addresses.owner_url},
        )
        process = await spawn(command)
        try:
            await process.wait()
        finally:
            await end(process, command)
        if process.returncode:
            raise StackError(f"The database could not be migrated: {last_line(command.log)} (see {command.log})")

    async def start_processes(self) -> None:
        """Start workers and web processes, of which the first bear no number; the web processes stop first."""
        workers, webs = self.addresses.workers, self.addresses.webs
        await self.supervisor.start_together(
            [
                *(
                    (self.program(_numbered("worker", i), WORKER, each, webs[i]), _answers(each))
                    for i, each in enumerate(workers)
                ),
                *((self.program(_numbered("web", i), WEB, each), _answers(each)) for i, each in enumerate(webs)),
            ]
        )

    def program(self, name: str, roles: tuple[Role, ...], internal: str, web: str | None = None) -> Program:
        """A process of these roles, which asks those of `web`, or its own; `python -m services.run ROLE...` starts the
        same elsewhere."""
        shown: dict[str, object] = {"roles": [role.value for role in roles], "internal_address": internal}
        if roles == WEB:
            shown["address"] = self.addresses.url
        return Program(
            name=name,
            argv=(sys.executable, "-m", "services.run", *roles),
            folder=CHECKOUT,
            log=self.home.logs / f"{name}.log",
            environment=self.environment(internal, web or internal),
            patience=25.0,
            shown=shown,
        )

    def environment(self, internal: str, web: str) -> dict[str, str]:
        """The settings of a process whose internal port is that of `internal`, and that asks the roles of `web`."""
        signing, verifying = self.home.signing_keys()
        chosen = {
            "DATABASE_URL": self.addresses.app_url,
            "DATABASE_ROLE": self.addresses.app_role or "",
            "TEMPORAL_ADDRESS": self.addresses.temporal,
            "TEMPORAL_NAMESPACE": self.settings.temporal_namespace,
            "HOST": self.settings.host,
            "PORT": str(self.addresses.port),
            "PORT_SHARED": str(len(self.addresses.webs) > 1),
            "PUBLIC_URL": self.settings.public_url or self.addresses.url,
            "INTERNAL_HOST": "127.0.0.1",
            "INTERNAL_PORT": internal.rpartition(":")[2],
            "INTERNAL_SECRET": self.home.secret("internal"),
            "LINK_SECRET": self.home.secret("links"),
            "SIGNING_KEY_FILE": str(signing),
            "VERIFY_KEY_FILE": str(verifying),
            **dict.fromkeys(_PEERS, web),
            "API_URL": "",
        }
        # Without bytecode every process compiles all that it loads.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**inherited, "PYTHONUNBUFFERED": "1", **{f"BIHUAN_{name}": value for name, value in chosen.items()}}

    def announce(self) -> None:
        """Write endpoints.json anew."""
        listed: list[dict[str, object]] = [{"name": "up", "pid": os.getpid()}]
        listed += [
            {"name": running.program.name, "pid": running.process.pid, **running.program.shown}
            for running in self.supervisor.running
        ]
        self.home.announce(self.addresses.url, listed)


def _internal_address() -> str:
    return f"http://127.0.0.1:{ports.free_port()}"


def _numbered(name: str, index: int) -> str:
    return f"{name}-{index + 1}" if index else name


def _answers(internal: str) -> Ready:
    async def ask() -> None:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"{internal}/readyz")
        except httpx.HTTPError as error:
            raise ConnectionError(str(error) or "no answer") from error
        if not answer.is_success:
            raise ConnectionError(answer.text[:200])

    return ask


async def _check_database(url: str) -> None:
    try:
        connection = await asyncpg.connect(_dsn(url), timeout=5)
        await connection.close()
    except (ValueError, asyncpg.InterfaceError):
        raise StackError(
            "BIHUAN_DATABASE_URL is not an address of a PostgreSQL database: "
            "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        ) from None
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        reason = str(error) or "no answer within 5 s"
        raise StackError(f"BIHUAN_DATABASE_URL does not lead to a database: {reason}.") from None


def newest_revision(versions: Path = CHECKOUT / "services/migrations/versions") -> str:
    """The revision of the code: the one that no other follows. To load alembic for it would double the time of a start.

    Numbers do not tell: of two that were written at the same time the lower one may come last.
    """
    texts = [file.read_text(encoding="utf-8") for file in versions.glob("[0-9]*.py")]
    (newest,) = _named("revision", texts) - _named("down_revision", texts)
    return newest


def _named(name: str, texts: Sequence[str]) -> set[str]:
    return {found for text in texts for found in re.findall(rf'^{name}\b.*"(\w+)"', text, re.MULTILINE)}


async def _revision(connection: asyncpg.Connection) -> str | None:
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return found


async def _role_to_take(connection: asyncpg.Connection) -> str | None:
    granted = await connection.fetchval("SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = $1", APP)
    return APP if granted else None


def _dsn(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"
