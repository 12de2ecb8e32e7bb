"""`make bench`, or `python -m tests.bench intake loop` for some of the figures."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console

from tests.bench import (
    alerts,
    board,
    cost,
    deadlines,
    growth,
    intake,
    loop,
    memory,
    promises,
    stack,
    statements,
    survey,
    tickets,
)
from tests.bench.figures import Figure, show
from tests.bench.post import DatedMailServer, post
from tests.bench.stack import Stack

_MEASURES: dict[str, Callable[[Stack], Awaitable[list[Figure]]]] = {
    "intake": intake.measure,
    "tickets": tickets.measure,
    "statements": statements.measure,
    "deadlines": deadlines.measure,
    "survey": survey.measure,
    "board": board.measure,
    "memory": memory.measure,
}
_WITH_MAIL: dict[str, Callable[[Stack, DatedMailServer], Awaitable[list[Figure]]]] = {
    "cost": cost.measure,
    "loop": loop.measure,
    "alerts": alerts.measure,
}
_WITH_SMALL_CACHES: dict[str, Callable[[Stack], Awaitable[list[Figure]]]] = {"growth": growth.measure}
PARTS = ("promises", *_MEASURES, *_WITH_MAIL, *_WITH_SMALL_CACHES)
_console = Console(stderr=True)


def main() -> None:
    """Measure what is named, or everything, and print the table."""
    asked = sys.argv[1:] or list(PARTS)
    if unknown := set(asked) - set(PARTS):
        sys.exit(f"{', '.join(sorted(unknown))}: there are {', '.join(PARTS)}.")
    show(asyncio.run(_measure(asked)))


async def _measure(asked: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for part in PARTS:
        if part in asked:
            with _console.status(f"Measuring {part} …"):
                figures += await _part(part)
            _console.print(f"measured {part}", highlight=False)
    return figures


async def _part(part: str) -> list[Figure]:
    """Each part that needs a stack gets a fresh one."""
    if part == "promises":
        return promises.measure()
    if part in _WITH_MAIL:
        async with post() as mails, stack.running(worker=True, **mails.settings) as running:
            return await _WITH_MAIL[part](running, mails)
    if part in _WITH_SMALL_CACHES:
        async with stack.running(worker=True, **growth.SETTINGS) as running:
            return await _WITH_SMALL_CACHES[part](running)
    async with stack.running(worker=part != "intake") as running:
        return await _MEASURES[part](running)


if __name__ == "__main__":
    main()
