"""What the person at the terminal sees: steps with a sign of life, then what was done and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False, soft_wrap=True, file=sys.stdout)


@contextmanager
def step(doing: str) -> Iterator[None]:
    """Show `doing` while the block runs, and with its duration afterwards."""
    began = time.monotonic()
    with console.status(f"{doing} …"):
        yield
    console.print(f"  [green]✓[/] {doing} [dim]{time.monotonic() - began:.1f} s[/]")


def tell(sentence: str) -> None:
    """Say a sentence as it is."""
    console.print(f"  {sentence}", markup=False)


def complain(sentence: str) -> None:
    """Say on standard error why it does not go on."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(sentence, style="bold red", markup=False)
