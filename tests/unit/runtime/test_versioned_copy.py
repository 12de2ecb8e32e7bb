"""A copy is read when its version is new, and never for one that it is as new as."""

import pytest

from services.runtime.errors import Unavailable
from services.runtime.postgres.versioned_copy import VersionedCopy


class Stored:
    """A value and its version, as somebody changes them."""

    def __init__(self) -> None:
        self.version, self.value, self.reads, self.away = 0, "none", 0, False

    async def read(self) -> tuple[int, str]:
        if self.away:
            raise Unavailable
        self.reads += 1
        return self.version, self.value


@pytest.mark.parametrize(("asked", "value", "reads"), [(0, "none", 1), (1, "none", 1), (2, "new", 2), (3, "new", 2)])
async def test_a_version_is_read_once(asked: int, value: str, reads: int) -> None:
    stored = Stored()
    copy = VersionedCopy(stored.read)
    stored.version = 1
    assert await copy.at(0) == "none"
    stored.version, stored.value = 3, "new"
    assert await copy.at(asked) == value
    assert await copy.at(asked) == value
    assert stored.reads == reads


async def test_what_cannot_be_read_is_not_kept_and_the_copy_stays() -> None:
    stored = Stored()
    copy = VersionedCopy(stored.read)
    await copy.at(0)
    stored.away = True
    with pytest.raises(Unavailable):
        await copy.at(1)
    assert await copy.at(0) == "none"
