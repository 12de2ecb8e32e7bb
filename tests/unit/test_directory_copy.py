"""The copy of the directory asks as seldom as it may, and serves while the directory is away."""

from typing import Any

import pytest

from services.access import directory_copy
from services.access.directory_copy import FRESH_SECONDS, DirectoryCopy
from services.runtime.errors import Unavailable
from services.runtime.service_client import ServiceClient


class FakeDirectory(ServiceClient):
    """Hands out its staff and counts the questions; `told` are those that it answered in full."""

    def __init__(self) -> None:
        super().__init__("http://directory", "")
        self.generation = 1
        self.staff = {"lilei": True, "wangfang": False}
        self.asked = self.told = 0
        self.is_away = False

    async def get(self, path: str, **params: str | int) -> Any:
        assert path == "/internal/people"
        self.asked += 1
        if self.is_away:
            raise Unavailable
        if params.get("known") == self.generation:
            return {"generation": self.generation, "unchanged": True, "departments": [], "staff": []}
        self.told += 1
        department = {"id": "repairs", "name": "维修部", "categories": [], "default": True, "active": True}
        staff = [
            {
                "id": id_,
                "username": f"{id_}.work",
                "name": id_,
                "roles": ["clerk"],
                "department": None,
                "active": active,
            }
            for id_, active in self.staff.items()
        ]
        return {"generation": self.generation, "departments": [department], "staff": staff}


class FakeClock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock that the copy reads."""
    clock = FakeClock()
    monkeypatch.setattr(directory_copy, "time", clock)
    return clock


@pytest.fixture
def directory(clock: FakeClock) -> FakeDirectory:
    """A directory; time stands still unless a test moves it."""
    return FakeDirectory()


async def test_the_directory_is_asked_again_after_a_second_and_not_before(
    directory: FakeDirectory, clock: FakeClock
) -> None:
    copy = DirectoryCopy(directory)
    await copy.roll()
    clock.now += FRESH_SECONDS
    await copy.roll()
    assert directory.asked == 1
    clock.now += 0.001
    await copy.roll()
    assert directory.asked == 2


async def test_a_copy_that_is_still_true_is_not_told_again(directory: FakeDirectory) -> None:
    copy = DirectoryCopy(directory)
    first = await copy.roll()
    assert await copy.roll(at_once=True) is first
    directory.generation += 1
    directory.staff["wangfang"] = True
    assert (await copy.roll(at_once=True)).has("wangfang")
    assert (directory.asked, directory.told) == (3, 2)


@pytest.mark.parametrize(
    ("named", "questions"),
    [("lilei", 1), ("lilei.work", 1), ("repairs", 1), ("wangfang", 2), ("hanmeimei", 2)],
    ids=["by id", "by user name", "a department", "somebody who left", "nobody"],
)
async def test_whoever_must_be_there_and_is_not_is_asked_for_at_once(
    directory: FakeDirectory, named: str, questions: int
) -> None:
    copy = DirectoryCopy(directory)
    await copy.roll()
    await copy.roll(must_have=[named])
    assert directory.asked == questions


async def test_while_the_directory_is_away_the_last_copy_serves(directory: FakeDirectory) -> None:
    copy = DirectoryCopy(directory)
    first = await copy.roll()
    directory.is_away = True
    assert await copy.roll(at_once=True) is first
    assert await copy.left() == {"wangfang"}


async def test_without_any_copy_nobody_is_known_and_nobody_has_left(directory: FakeDirectory) -> None:
    directory.is_away = True
    copy = DirectoryCopy(directory)
    with pytest.raises(Unavailable):
        await copy.roll()
    assert await copy.left() == frozenset()
