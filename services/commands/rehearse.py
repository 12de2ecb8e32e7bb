"""`python -m services.run rehearse`: a help desk's event log, played through the public API."""

import asyncio
import json
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from services.commands.local.machine import local_home
from services.commands.local.terminal import complain, console, tell
from services.commands.rehearsal import desk, log, player
from services.commands.rehearsal.event_map import script
from services.commands.rehearsal.figures import RehearsalFigures, report
from services.commands.rehearsal.log import Case, LogUnreadable
from services.commands.rehearsal.player import Ending
from services.commands.rehearsal.requests import RefusedRequest, RequestSender, Unanswered
from services.runtime.stack import settings as stack_settings
from services.runtime.stack.errors import StackError

ALL = "all"


def command(
    file: Annotated[Path, typer.Argument(help="The event log: CSV, one event a line.")],
    tickets: Annotated[str, typer.Option(metavar="N|all", help="How many cases to play, from the first.")] = ALL,
    url: Annotated[str, typer.Option(help="Address of the API; by default that of the stack at BIHUAN_HOME.")] = "",
    key: Annotated[str, typer.Option(help="API key; by default the one in BIHUAN_HOME/admin.key.")] = "",
    concurrency: Annotated[int, typer.Option(min=1, max=500, help="Cases played at once.")] = 8,
) -> None:
    """Play a help desk's event log through the public API and print what became of it; 1 if a ticket went astray."""
    try:
        known, chosen = _cases(file, tickets)
        figures = asyncio.run(_rehearse(known, chosen, _url(url), _key(key), concurrency))
    except (LogUnreadable, StackError, RefusedRequest, Unanswered) as error:
        complain(str(error))
        raise typer.Exit(1) from None
    for line in report(figures):
        tell(line)
    if not figures.is_complete:
        raise typer.Exit(1)


async def _rehearse(
    known: Sequence[Case], chosen: Sequence[Case], url: str, key: str, concurrency: int
) -> RehearsalFigures:
    sender = RequestSender(url, key, connections=concurrency)
    try:
        owners = await desk.furnish(sender, known)
        scripts = [script(case, owners) for case in chosen]
        with _progress() as progress:
            bar = progress.add_task("Playing", total=len(scripts), commands=0)
            sent = 0

            def finished(ending: Ending) -> None:
                nonlocal sent
                sent += len(ending.latencies)
                progress.update(bar, advance=1, commands=sent)

            began = time.monotonic()
            endings = await player.play(sender, scripts, at_once=concurrency, finished=finished)
            return RehearsalFigures(endings, time.monotonic() - began, sender.repeats)
    finally:
        await sender.close()


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cases, {task.fields[commands]} requests"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _cases(file: Path, tickets: str) -> tuple[Sequence[Case], Sequence[Case]]:
    """All cases of the log, and those to play."""
    if tickets != ALL and not (tickets.isascii() and tickets.isdigit() and int(tickets)):
        raise LogUnreadable(f"--tickets {tickets} makes no sense: give a number or {ALL}.")
    known = log.read(file)
    if not known:
        raise LogUnreadable(f"{file} has no events.")
    return known, known if tickets == ALL else list(islice(known, int(tickets)))


def _url(given: str) -> str:
    if given:
        return given.rstrip("/")
    home = local_home(stack_settings.read())
    try:
        url: str = json.loads(home.endpoints.read_text())["url"]
    except (OSError, ValueError, KeyError):
        raise StackError(f"No stack runs from {home.path}: start one with `make up`, or give --url.") from None
    return url


def _key(given: str) -> str:
    if given:
        return given
    file = local_home(stack_settings.read()).path / "admin.key"
    try:
        return file.read_text().strip()
    except OSError:
        raise StackError(f"There is no {file}: give --key.") from None
