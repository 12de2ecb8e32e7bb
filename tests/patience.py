"""Patience of tests with a machine that other tests keep busy."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from temporalio.worker._workflow import _WorkflowWorker

from services.runtime.postgres import database, hang_guard, raw_statement

_TASK_SECONDS = 20
_LIMITS = [
    (module, name, getattr(module, name))
    for module, name in (
        (database, "CONNECT_SECONDS"),
        (database, "ACQUIRE_SECONDS"),
        (raw_statement, "ACQUIRE_SECONDS"),
        (hang_guard, "LENT_SECONDS"),
        (hang_guard, "PROBE_SECONDS"),
    )
]


def _made_patient(initialise: Callable[..., None]) -> Callable[..., None]:
    """Initialise a worker's runner of workflows, which gives a task two seconds and nobody a say in it."""

    def made(self: Any, **options: Any) -> None:
        initialise(self, **options)
        self._deadlock_timeout_seconds = _TASK_SECONDS

    return made


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Wait ten times as long as usual for a connection and for a workflow task: a busy machine is neither a PostgreSQL
    that is away or hangs, nor a workflow that hangs."""
    with pytest.MonkeyPatch.context() as patch:
        _set(patch, times=10)
        patch.setattr(_WorkflowWorker, "__init__", _made_patient(_WorkflowWorker.__init__))
        yield


@pytest.fixture
def usual_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for PostgreSQL as services do; ask for it before the database."""
    _set(monkeypatch, times=1)


def _set(patch: pytest.MonkeyPatch, *, times: int) -> None:
    for module, name, usual in _LIMITS:
        patch.setattr(module, name, times * usual)
