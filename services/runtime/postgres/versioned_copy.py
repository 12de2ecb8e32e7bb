"""A copy in memory of what seldom changes, kept for as long as its version stands."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class VersionedCopy(Generic[T]):
    """Keeps what `read` has answered, a value with its version. Whoever knows the version that holds pays nothing."""

    def __init__(self, read: Callable[[], Awaitable[tuple[int, T]]]) -> None:
        self._read = read
        self._kept: tuple[int, T] | None = None

    async def at(self, version: int) -> T:
        """The value of this version, or of a later one.

        Raises:
            Unavailable: it is not kept, and cannot be read now.
        """
        if self._kept is None or self._kept[0] < version:
            self._kept = await self._read()
        return self._kept[1]
