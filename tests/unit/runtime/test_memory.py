"""The number of runs that a worker remembers follows from memory."""

import pytest

from services.runtime.temporal.memory import GROWTH_MIB, LEAST, runs_remembered


@pytest.mark.parametrize(
    ("may_take", "taken", "share", "runs"),
    [
        (600, 600 - GROWTH_MIB - 100, 1.0, 1024),
        (600, 600 - GROWTH_MIB - 100, 0.5, 512),
        (600, 600 - GROWTH_MIB - 200, 1.0, 2048),
    ],
)
def test_as_many_runs_are_remembered_as_fit_beside_what_a_process_takes(
    may_take: float, taken: float, share: float, runs: int
) -> None:
    assert runs_remembered(may_take, share, 100, taken) == runs


@pytest.mark.parametrize(("left", "runs"), [(-500, LEAST), (0, LEAST), (LEAST, LEAST), (LEAST + 1, LEAST + 1)])
def test_what_works_at_the_moment_is_remembered_though_memory_is_short(left: int, runs: int) -> None:
    assert runs_remembered(600, 1.0, 1024, 600 - GROWTH_MIB - left) == runs


def test_what_a_process_takes_is_measured() -> None:
    assert runs_remembered(1, 1.0, 1) == LEAST
    assert runs_remembered(2**20, 1.0, 1) < (2**20 - GROWTH_MIB) * 1024
