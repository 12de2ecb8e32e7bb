"""The person's view at the terminal: steps with a sign of life, then what was done and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from rich.console import Console


class Listener:
    """A stream that may be closed, or full, while what it tells of goes on: what cannot be said is not said."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if that can be done."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


console = Console(highlight=False, soft_wrap=True, file=cast("IO[str]", Listener(sys.stdout)))


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
    listener = cast("IO[str]", Listener(sys.stderr))
    Console(file=listener, highlight=False, soft_wrap=True).print(sentence, style="bold red", markup=False)
