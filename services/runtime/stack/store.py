"""The file that the embedded Temporal server keeps everything in. It is disposable: PostgreSQL holds what is true."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_BEGINNING = b"SQLite format 3\0"


@dataclass
class Store:
    """One SQLite database with the files beside it.

    A server goes on writing into one that was deleted, and is of no use with one that was emptied: what it holds would
    not survive the next start, so that is made at once.
    """

    path: Path
    _seen: int | None = field(default=None, init=False)

    def prepare(self) -> None:
        """Clear away what a server cannot start from: a file that is no database, a log without its database."""
        self._seen = None
        if not self._is_whole():
            for file in self._files():
                file.unlink(missing_ok=True)

    def is_lost(self) -> bool:
        """Whether the file that the server has opened was deleted, replaced or emptied since."""
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError:
            return self._seen is not None
        if self._seen is None:
            self._seen = inode if self._is_whole() else None
            return False
        return inode != self._seen or not self._is_whole()

    def _is_whole(self) -> bool:
        try:
            with self.path.open("rb") as file:
                return file.read(len(_BEGINNING)) == _BEGINNING
        except FileNotFoundError:
            return False

    def _files(self) -> Iterator[Path]:
        for suffix in ("", "-wal", "-shm", "-journal"):
            yield self.path.with_name(self.path.name + suffix)
