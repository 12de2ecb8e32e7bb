"""The local stack starts as many processes as the machine has cores for."""

import pytest

from services.runtime.stack.settings import StackSettings, cores, workers_for


@pytest.mark.parametrize(("cores_to_use", "workers"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (16, 8)])
def test_a_worker_and_a_web_process_share_two_cores(cores_to_use: int, workers: int) -> None:
    assert workers_for(cores_to_use) == workers


def test_the_number_follows_the_cores_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIHUAN_WORKERS", raising=False)
    assert StackSettings().of_each == workers_for(cores())
    monkeypatch.setenv("BIHUAN_WORKERS", "3")
    assert StackSettings().of_each == 3
