"""`make up`: everything on this machine, until Ctrl-C or SIGTERM."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress

import typer

from services.commands.local import first_start
from services.commands.local.machine import Machine, local_home
from services.commands.local.terminal import complain, step, tell
from services.runtime.stack import settings as stack_settings
from services.runtime.stack.errors import StackError
from services.runtime.stack.home import Home
from services.runtime.stack.supervisor import Supervisor

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def command() -> None:
    """Start everything on this machine and watch over it; Ctrl-C stops it in order."""
    try:
        settings = stack_settings.read()
        home = local_home(settings)
        home.prepare()
        with home.lock():
            asyncio.run(_run(home, settings))
    except StackError as error:
        complain(str(error))
        raise typer.Exit(1) from None
    except OSError as error:  # a full disk, more often than not
        complain(f"It cannot go on: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}.")
        raise typer.Exit(1) from None


async def _run(home: Home, settings: stack_settings.StackSettings) -> None:
    stop = asyncio.Event()
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    home.end_leftovers()
    supervisor = Supervisor(tell)
    machine = Machine(home, settings, supervisor)
    supervisor.changed = machine.announce
    try:
        if await _is_finished(_bring_up(machine), stop):
            await stop.wait()
    finally:
        if supervisor.running:
            with step("Stopping"):
                await supervisor.stop()
        home.endpoints.unlink(missing_ok=True)


async def _is_finished(work: Coroutine[None, None, None], stop: asyncio.Event) -> bool:
    """Do the work, or drop it when told to stop."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return False


async def _bring_up(machine: Machine) -> None:
    tell(f"Bihuan 闭环, kept in {machine.home.path}")
    await machine.check_external_servers()
    with step("PostgreSQL"):
        await machine.start_postgres()
    with step("Temporal"):
        await machine.start_temporal()
    with step("Migrations"):
        await machine.migrate()
    with step(_processes(machine.settings.of_each)):
        await machine.start_processes()
    if await first_start.bootstrap(machine) and machine.settings.demo:
        with step("Demonstration tickets"):
            await first_start.load_demo(machine)
    for line in first_start.greeting(machine):
        tell(line)


def _processes(each: int) -> str:
    return "Web process and worker" if each == 1 else f"{each} web processes and {each} workers"
