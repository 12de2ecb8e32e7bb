"""Programs are started in order, started again when they die, and never outlive who started them."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.runtime.stack.errors import StackError
from services.runtime.stack.programs import Program, spawn
from services.runtime.stack.supervisor import Supervisor
from tests.stack import CHECKOUT, is_running, wait_until

SLEEPER = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEPER}"


def program(tmp_path: Path, name: str, code: str, patience: float = 5.0) -> Program:
    argv = (sys.executable, "-c", code)
    return Program(name, argv, tmp_path, tmp_path / f"{name}.log", dict(os.environ), patience=patience)


async def at_once() -> None:
    return


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    said: list[str] = []
    own = Supervisor(said.append)
    yield own
    await own.stop()


async def test_a_program_that_dies_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    restarted = asyncio.Event()
    await supervisor.start(program(tmp_path, "sleeper", SLEEPER), at_once)
    before = supervisor.running[0].process.pid
    supervisor.changed = restarted.set
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(30):
        await restarted.wait()
    assert supervisor.running[0].process.pid != before


async def test_what_cannot_be_told_or_noted_keeps_nothing_from_being_started_again(tmp_path: Path) -> None:
    noted, tries = asyncio.Event(), []

    def tell(_: str) -> None:
        raise BrokenPipeError

    def note() -> None:
        tries.append(own.running[0].process.pid)
        if 0 < len(tries) < 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        noted.set()

    own = Supervisor(tell, note, patience=30)
    await own.start(program(tmp_path, "sleeper", SLEEPER), at_once)
    try:
        for _ in range(2):
            await _killed_and_back(own)
        async with asyncio.timeout(30):
            await noted.wait()
        assert tries[-1] == own.running[0].process.pid
    finally:
        await own.stop()


async def test_a_start_that_fails_for_want_of_room_is_tried_again(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EAGAIN, "Try again")])

    async def scarce(wanted: Program) -> Process:
        if failure := next(failures, None):
            raise failure
        return await spawn(wanted)

    await supervisor.start(program(tmp_path, "sleeper", SLEEPER), at_once)
    monkeypatch.setattr("services.runtime.stack.supervisor.spawn", scarce)
    await _killed_and_back(supervisor)
    assert next(failures, None) is None


async def test_a_program_that_works_on_what_is_gone_is_started_anew(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.runtime.stack.supervisor.LOOK_SECONDS", 0.05)
    store = tmp_path / "store"
    sleeper = replace(program(tmp_path, "sleeper", SLEEPER), prepare=store.touch, is_lost=lambda: not store.exists())
    await supervisor.start(sleeper, at_once)
    before = supervisor.running[0].process
    store.unlink()
    async with asyncio.timeout(30):
        while supervisor.running[0].process is before:  # noqa: ASYNC110 - what is waited for is the supervisor's doing
            await asyncio.sleep(0.01)
    assert store.exists()


async def _killed_and_back(own: Supervisor) -> None:
    before = own.running[0].process
    before.kill()
    async with asyncio.timeout(30):
        while own.running[0].process is before:  # noqa: ASYNC110 - what is waited for is the supervisor's doing
            await asyncio.sleep(0.01)


async def test_a_slow_start_is_waited_for_and_told_meanwhile(tmp_path: Path) -> None:
    said: list[str] = []
    own = Supervisor(said.append, word_after=0.01)

    async def when_it_was_told() -> None:
        if not said:
            raise ConnectionRefusedError

    async with asyncio.timeout(30):
        await own.start(program(tmp_path, "slow", SLEEPER), when_it_was_told)
    await own.stop()
    assert said[0].startswith("slow is still starting")


async def test_a_start_that_never_ends_is_given_up_with_the_next_step(tmp_path: Path) -> None:
    own = Supervisor(lambda _: None, patience=0.2)

    async def never() -> None:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(StackError, match=r"nobody listens .*start again"):
        await own.start(program(tmp_path, "slow", SLEEPER), never)
    await own.stop()


async def test_each_death_in_a_row_waits_longer_before_the_next_start(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start(program(tmp_path, "sleeper", SLEEPER), at_once)
    pauses = []
    for _ in range(2):
        restarted = asyncio.Event()
        supervisor.changed = restarted.set
        os.kill(supervisor.running[0].process.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            await restarted.wait()
        pauses.append(supervisor.running[0].pause)
    assert pauses[0] < pauses[1]


async def test_what_ends_while_starting_is_told_with_its_last_words(supervisor: Supervisor, tmp_path: Path) -> None:
    broken = program(tmp_path, "broken", "import sys; sys.exit('the disk is full')")

    async def never() -> None:
        raise ConnectionError

    with pytest.raises(StackError, match="the disk is full"):
        await supervisor.start(broken, never)


async def test_the_last_started_is_stopped_first_and_the_deaf_are_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    await supervisor.start(program(tmp_path, "first", SLEEPER), at_once)
    deaf = program(tmp_path, "deaf", DEAF, patience=0.2)
    await supervisor.start(deaf, at_once)
    await asyncio.to_thread(wait_until, lambda: "deaf" in deaf.log.read_text(), 10)
    processes = [running.process for running in supervisor.running]
    await supervisor.stop()
    assert [process.returncode for process in processes] == [-signal.SIGTERM, -signal.SIGKILL]


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is the kernel's, and only Linux has it")
def test_a_child_dies_with_a_parent_that_is_killed() -> None:
    starter = f"""
import subprocess, sys, time
from pathlib import Path
from services.runtime.stack.programs import Program, dying_with_us
child = Program("child", (sys.executable, "-c", {SLEEPER!r}), Path(), Path("child.log"), {{}})
print(subprocess.Popen(dying_with_us(child)).pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", starter], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_running(pid), 30)
    parent.stdout.close()
