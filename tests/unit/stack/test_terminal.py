"""Words at the terminal are heard if somebody listens, and stop nothing if nobody does."""

import io
import os

import pytest
from rich.console import Console

from services.commands.local import terminal
from services.commands.local.terminal import Listener


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, _: str) -> int:
        """No room."""
        raise OSError(28, "No space left on device")


def _closed_pipe() -> io.TextIOWrapper:
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w", buffering=1)


@pytest.mark.parametrize("stream", [Full, _closed_pipe])
def test_nobody_who_listens_stops_nothing(stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "console", Console(file=Listener(stream())))  # type: ignore[arg-type]
    for _ in range(3):
        terminal.tell("web ended; starting it again")
        with terminal.step("PostgreSQL"):
            pass


def test_whoever_listens_hears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=Listener(heard)))  # type: ignore[arg-type]
    terminal.tell("web ended")
    assert "web ended" in heard.getvalue()
