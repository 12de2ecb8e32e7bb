"""A program of the stack: how it is started, recognised and ended."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")


@dataclass(frozen=True)
class Program:
    """A program to run. It gets a session of its own, so that a Ctrl-C at the terminal reaches the supervisor alone."""

    name: str
    argv: tuple[str, ...]
    folder: Path
    log: Path
    environment: Mapping[str, str]
    account: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """Sent by the kernel when the supervisor dies without stopping it."""
    patience: float = 10.0
    """Seconds to end after `stop_signal`; then it is killed."""
    shown: Mapping[str, object] = field(default_factory=dict)
    """What endpoints.json says about it besides name and pid."""
    prepare: Callable[[], None] = lambda: None
    """Called before every start."""
    is_lost: Callable[[], bool] = lambda: False
    """Asked now and then: whether it works on what is gone, and has to be started anew."""


def dying_with_us(program: Program) -> list[str]:
    """Return the command line that starts `program` tied to this process."""
    die_with_parent = [sys.executable, "-I", "-S", str(_DIE_WITH_PARENT), str(os.getpid())]
    return [*die_with_parent, program.orphan_signal.name, program.account or "-", *program.argv]


async def spawn(program: Program) -> asyncio.subprocess.Process:
    """Start `program` with its output appended to its log."""
    program.prepare()
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *dying_with_us(program),
            cwd=program.folder,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
        )


async def end(process: asyncio.subprocess.Process, program: Program) -> None:
    """Ask the program to stop, wait as long as it may take, then kill it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(program.stop_signal)
    try:
        async with asyncio.timeout(program.patience):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def started_at(pid: int) -> float | None:
    """The instant at which the process with this pid began, in seconds since the epoch; None when there is none."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def end_leftover(pid: int, began: float, *, polite: signal.Signals = signal.SIGTERM, patience: float = 5.0) -> None:
    """End the process `pid` of an earlier run if it is still the one that began then, and not a later namesake."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - began) > 1:
            return
        process.send_signal(polite)
        process.wait(patience)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        with contextlib.suppress(psutil.Error):
            process.kill()
            process.wait(patience)


def last_line(log: Path) -> str:
    """The last line of a log that says something, shortened; for an error message."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
