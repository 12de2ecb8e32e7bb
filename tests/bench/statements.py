"""SQL statements a ticket, counted in PostgreSQL's log: in a stack of its own, for the log costs CPU time."""

import asyncio
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.load import Connection, until_done
from tests.bench.settling import until_settled
from tests.bench.stack import APPLICATION, Stack
from tests.bench.tickets import CONCURRENCY, whole_lives

TICKETS, IDLE_SECONDS = 20, 10.0
SHOWN, LONGEST = 40, 150
SETTINGS: Mapping[str, str] = {
    "log_line_prefix": "[[%a]] ",
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "0",
}
_LINE = re.compile(r"\[\[(?P<application>.*?)\]\] LOG:  duration: (?P<ms>[\d.]+) ms  (?P<step>\w+)[^:]*: (?P<sql>.*)")
_COUNTED = {"execute", "statement"}
"""Steps that are counted; parsing and binding only take time."""
_OF_TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK")
_ROW = r"\((?:[^()]|\([^()]*\))*\)"
_MANY_ROWS = re.compile(rf"(VALUES {_ROW})(?:, ?{_ROW})+")

Statement = tuple[str, str]
"""Application and text."""


@dataclass
class Counts:
    """The runs of each statement, and the milliseconds that the server took for it."""

    runs: Counter[Statement] = field(default_factory=Counter)
    milliseconds: defaultdict[Statement, float] = field(default_factory=partial(defaultdict, float))

    def without(self, idle: "Counts", share: float) -> list["Line"]:
        """Lines of the table, the most frequent first, less that share of what ran in an idle time."""
        lines = (
            Line(
                *statement,
                runs=max(0.0, runs - share * idle.runs[statement]),
                milliseconds=max(0.0, self.milliseconds[statement] - share * idle.milliseconds[statement]),
            )
            for statement, runs in self.runs.items()
        )
        return sorted(lines, key=lambda line: -line.runs)


@dataclass(frozen=True)
class Line:
    """One line of the table: how often a role ran a statement, and the server's milliseconds for all of that."""

    application: str
    sql: str
    runs: float
    milliseconds: float

    @property
    def role(self) -> str:
        """The role that ran it."""
        return self.application.removeprefix("bihuan-")


async def measure(stack: Stack) -> list[Figure]:
    """Count while nothing happens, then while tickets are played, and print the most frequent statements."""
    connections = [Connection(stack.url, stack.key) for _ in range(CONCURRENCY)]
    await until_done(whole_lives(connections, TICKETS), CONCURRENCY)
    await until_settled(stack)
    async with _logged(stack) as idle:
        await asyncio.sleep(IDLE_SECONDS)
    began = time.monotonic()
    async with _logged(stack) as counts:
        await until_done(whole_lives(connections, TICKETS), CONCURRENCY)
        await until_settled(stack)
    lines = counts.without(idle, (time.monotonic() - began) / IDLE_SECONDS)
    _show(lines)
    return _figures(lines)


def _figures(lines: Sequence[Line]) -> list[Figure]:
    by_role: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        by_role[line.role] += line.runs / TICKETS
    note = ", ".join(f"{role} {runs:.1f}" for role, runs in sorted(by_role.items(), key=lambda each: -each[1]))
    of_transactions = sum(line.runs for line in lines if line.sql.startswith(_OF_TRANSACTIONS))
    return [
        Figure("SQL statements a ticket", sum(by_role.values()), "", None, Goal(AT_MOST, 90), note),
        Figure("... that only begin or end a transaction", of_transactions / TICKETS, ""),
    ]


def read(lines: Iterable[str]) -> Counts:
    """Count what a server with `SETTINGS` wrote; our own statements are left out."""
    counts = Counts()
    for line in _whole(lines):
        if (found := _LINE.match(line)) is None or found["application"] == APPLICATION:
            continue
        statement = found["application"], _normal(found["sql"])
        counts.milliseconds[statement] += float(found["ms"])
        if found["step"] in _COUNTED:
            counts.runs[statement] += 1
    return counts


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """Lines of the log, each with those that go on from it, which begin with a tab."""
    whole = ""
    for line in lines:
        if line.startswith("\t"):
            whole += " " + line.strip()
        else:
            yield whole
            whole = line.rstrip("\n")
    yield whole


def _normal(sql: str) -> str:
    """The text on one line, the same for any number of rows."""
    return _MANY_ROWS.sub(r"\1, ...", " ".join(sql.split()))


@asynccontextmanager
async def _logged(stack: Stack) -> AsyncIterator[Counts]:
    """Let the server log every statement during the block; the counts are filled when it ends."""
    log = stack.machine.home.logs / "postgres.log"
    counts = Counts()
    await _set(stack, SETTINGS)
    begin = log.stat().st_size
    yield counts
    await _set(stack, dict.fromkeys(SETTINGS))
    with log.open(errors="replace") as file:
        file.seek(begin)
        found = read(file)
    counts.runs, counts.milliseconds = found.runs, found.milliseconds


async def _set(stack: Stack, settings: Mapping[str, str | None]) -> None:
    database = await stack.connect(superuser=True)
    try:
        for name, value in settings.items():
            await database.execute(f"ALTER SYSTEM SET {name} = {'DEFAULT' if value is None else repr(value)}")
        await database.execute("SELECT pg_reload_conf()")
        # Backends read the settings between two statements, once the signal has reached them.
        await asyncio.sleep(0.5)
    finally:
        await database.close()


def _show(lines: Sequence[Line]) -> None:
    table = Table("a ticket", "ms a ticket", "role", "statement")
    for line in lines[:SHOWN]:
        runs, milliseconds = (f"{each / TICKETS:.2f}" for each in (line.runs, line.milliseconds))
        table.add_row(runs, milliseconds, line.role, Text(line.sql[:LONGEST]))
    Console(width=240).print(table)
