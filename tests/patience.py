"""Patience of tests with a machine that other tests keep busy."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from temporalio.worker._workflow import _WorkflowWorker

from services.runtime.postgres import database, raw_statement

_TASK_SECONDS = 20
_USUAL = (database.CONNECT_SECONDS, database.ACQUIRE_SECONDS)


def _made_patient(initialise: Callable[..., None]) -> Callable[..., None]:
    """Initialise a worker's runner of workflows, which gives a task two seconds and nobody a say in it."""

    def made(self: Any, **options: Any) -> None:
        initialise(self, **options)
        self._deadlock_timeout_seconds = _TASK_SECONDS

    return made


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Wait ten times as long as usual for a connection and for a workflow task: a busy machine is neither a PostgreSQL
    that is away nor a workflow that hangs."""
    with pytest.MonkeyPatch.context() as patch:
        _set(patch, *(10 * seconds for seconds in _USUAL))
        patch.setattr(_WorkflowWorker, "__init__", _made_patient(_WorkflowWorker.__init__))
        yield


@pytest.fixture
def usual_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a connection as services do; ask for it before the database."""
    _set(monkeypatch, *_USUAL)


def _set(patch: pytest.MonkeyPatch, connecting: float, acquiring: float) -> None:
    patch.setattr(database, "CONNECT_SECONDS", connecting)
    patch.setattr(database, "ACQUIRE_SECONDS", acquiring)
    patch.setattr(raw_statement, "ACQUIRE_SECONDS", acquiring)
