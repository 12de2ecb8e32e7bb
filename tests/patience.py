"""Patience of tests with a machine that other tests keep busy."""

from collections.abc import Iterator

import pytest

from services.runtime.postgres import database, raw_statement

LATE_SECONDS = 10.0
"""A test may come so late to a limit that was kept."""
_USUAL = (database.CONNECT_SECONDS, database.ACQUIRE_SECONDS)


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Wait ten times as long as usual for a connection: a busy machine is no PostgreSQL that is away."""
    with pytest.MonkeyPatch.context() as patch:
        _set(patch, *(10 * seconds for seconds in _USUAL))
        yield


@pytest.fixture
def usual_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a connection as services do; ask for it before the database."""
    _set(monkeypatch, *_USUAL)


def _set(patch: pytest.MonkeyPatch, connecting: float, acquiring: float) -> None:
    patch.setattr(database, "CONNECT_SECONDS", connecting)
    patch.setattr(database, "ACQUIRE_SECONDS", acquiring)
    patch.setattr(raw_statement, "ACQUIRE_SECONDS", acquiring)
