"""Starts programs in order, starts again what dies, stops all in the reverse order."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from services.runtime.stack.errors import StackError
from services.runtime.stack.programs import Program, end, last_line, spawn

Ready = Callable[[], Awaitable[object]]
"""Returns when the program does its work, raises while it does not yet."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
RETELL_SECONDS = 1.0
LOOK_SECONDS = 5.0
STEADY_SECONDS = 30.0
"""A program that ran this long and died is started at once; one that dies again and again waits longer each time."""
PATIENCE_SECONDS = 300.0
"""A first start on a busy machine takes minutes; what has ended meanwhile is told at once."""
WORD_AFTER_SECONDS = 20.0
LARGEST_LOG = 50_000_000


@dataclass
class Running:
    """A program and its process of the moment."""

    program: Program
    process: Process
    since: float = field(default_factory=time.monotonic)
    pause: float = FIRST_PAUSE


@dataclass
class Supervisor:
    """`tell` speaks to the person at the terminal; `changed` is called after every start of a process, and again until
    it works. Neither may keep a program from being started again: a terminal closes, a disk is full.
    """

    tell: Callable[[str], None]
    changed: Callable[[], None] = lambda: None
    running: list[Running] = field(default_factory=list)
    patience: float = PATIENCE_SECONDS
    word_after: float = WORD_AFTER_SECONDS
    _watchers: list[asyncio.Task[None]] = field(default_factory=list)
    _telling: asyncio.Task[None] | None = None

    async def start(self, program: Program, ready: Ready) -> None:
        """Start `program` and return when it is ready; from then on it is started again whenever it ends.

        Raises:
            StackError: it ended, or was not ready in time. What it said last is in the sentence.
        """
        running = Running(program, await _spawn(program))
        self.running.append(running)
        self._tell_of_change()
        await self._until_ready(running, ready)
        self._watchers.append(asyncio.create_task(self._watch(running)))

    async def start_together(self, programs: Sequence[tuple[Program, Ready]]) -> None:
        """Start programs that do not wait for each other; they stop in the reverse order all the same."""
        started = [Running(program, await _spawn(program)) for program, _ in programs]
        self.running.extend(started)
        self._tell_of_change()
        waits = (self._until_ready(running, ready) for running, (_, ready) in zip(started, programs, strict=True))
        await asyncio.gather(*waits)
        self._watchers.extend(asyncio.create_task(self._watch(running)) for running in started)

    async def stop(self) -> None:
        """Stop everything, the last started first."""
        tasks = [*self._watchers, *([self._telling] if self._telling else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for running in reversed(self.running):
            await end(running.process, running.program)
        self.running.clear()

    async def _until_ready(self, running: Running, ready: Ready) -> None:
        waiting = asyncio.create_task(self._say_that_it_starts(running.program))
        try:
            await _until_ready(running, ready, self.patience)
        finally:
            waiting.cancel()

    async def _say_that_it_starts(self, program: Program) -> None:
        while True:
            await asyncio.sleep(self.word_after)
            self._say(f"{program.name} is still starting (see {program.log})")

    async def _watch(self, running: Running) -> None:
        while True:
            status = await _wait(running)
            steady = time.monotonic() - running.since >= STEADY_SECONDS
            running.pause = FIRST_PAUSE if steady else min(running.pause * 2, LONGEST_PAUSE)
            self._say(f"{running.program.name} ended ({_describe(status)}); starting it again")
            await self._start_again(running)
            self._tell_of_change()

    async def _start_again(self, running: Running) -> None:
        """Start the program, however often that takes: memory, descriptors or the disk may be used up for a while."""
        while True:
            await asyncio.sleep(running.pause)
            try:
                running.process, running.since = await _spawn(running.program), time.monotonic()
            except StackError as error:
                running.pause = min(running.pause * 2, LONGEST_PAUSE)
                self._say(str(error))
            else:
                return

    def _say(self, sentence: str) -> None:
        with suppress(OSError, ValueError):  # the second from a stream that is closed
            self.tell(sentence)

    def _tell_of_change(self) -> None:
        try:
            self.changed()
        except OSError as error:
            self._say(f"what runs could not be noted ({error.strerror}); it is tried again")
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell_until_it_works())

    async def _tell_until_it_works(self) -> None:
        while True:
            await asyncio.sleep(RETELL_SECONDS)
            with suppress(OSError):
                self.changed()
                return


async def _wait(running: Running) -> int:
    """Wait for the end of the process, keep its log from filling the disk, and end it when what it works on is gone."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                return await running.process.wait()
        with suppress(OSError):
            _cut(running.program)
            if running.program.is_lost():
                running.process.kill()


async def _spawn(program: Program) -> Process:
    try:
        return await spawn(program)
    except OSError as error:
        raise StackError(f"{program.name} could not be started: {error.strerror or error}.") from None


def _cut(program: Program) -> None:
    if program.log.stat().st_size > LARGEST_LOG:
        program.log.with_suffix(".1.log").write_bytes(program.log.read_bytes())
        with program.log.open("r+b") as log:  # the process appends, so it goes on at the new end
            log.truncate(0)


async def _until_ready(running: Running, ready: Ready, seconds: float) -> None:
    program, last = running.program, "no answer"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if running.process.returncode is not None:
            said = last_line(program.log) or _describe(running.process.returncode)
            raise StackError(f"{program.name} ended while starting: {said} (see {program.log})")
        try:
            async with asyncio.timeout(5):
                await ready()
        except (OSError, TimeoutError) as error:
            last = str(error) or last
            await asyncio.sleep(0.1)
        else:
            return
    raise StackError(
        f"{program.name} was not ready in {seconds:.0f} s: {last} (see {program.log}). Nothing is lost: start again."
    )


def _describe(status: int) -> str:
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"
