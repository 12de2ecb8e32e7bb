"""Where in a text each value stands, so that a person who wrote it is shown the line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from json import loads

from services.runtime.http.problems import pointer

Where = tuple[int | str, ...]

_MOST_CHARACTERS = 4_000_000
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(frozen=True, slots=True)
class Positions:
    """Lines, from 1, by JSON pointer; of a member, the line of its name."""

    lines: Mapping[str, int]

    def line_of(self, at: str) -> int:
        """The line of what `at` points to; where nothing is written there, of the nearest thing around it."""
        while at and at not in self.lines:
            at = at.rpartition("/")[0]
        return self.lines.get(at, 1)


class Notes:
    """Lines as they are found. When their pointers would fill memory, what lies deeper is told by the line of what is
    around it: 64 names of 100 letters before each of 100,000 numbers."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self._left = _MOST_CHARACTERS

    def add(self, where: Where, line: int) -> None:
        """Note the line of a value, unless its name was noted before."""
        if self._left > 0:
            place = pointer(where)
            self._left -= len(place)
            self.lines.setdefault(place, line)


def positions_in_json(text: str) -> Positions:
    """Find the values of a text that has been parsed as JSON before."""
    notes = Notes()
    for where, line in _Scan(text).found():
        notes.add(where, line)
    return Positions(notes.lines)


@dataclass(slots=True)
class _Open:
    """An object or array that has not ended: the index or the name of what comes next."""

    is_object: bool
    index: int = 0
    name: str | None = None


@dataclass(slots=True)
class _Scan:
    """One pass over the pieces."""

    text: str
    _stack: list[_Open] = field(default_factory=list)

    def found(self) -> Iterator[tuple[Where, int]]:
        line, seen = 1, 0
        for match in _PIECE.finditer(self.text):
            line += self.text.count("\n", seen, match.start())
            seen = match.start()
            if (where := self._take(match[0])) is not None:
                yield where, line

    def _take(self, piece: str) -> Where | None:
        """Move on by one piece; the place that begins with it, if one does. A member begins with its name."""
        if piece in {"}", "]"}:
            self._stack.pop()
        elif piece == ",":
            self._stack[-1].index += 1
            self._stack[-1].name = None
        elif piece != ":":
            return self._begin(piece)
        return None

    def _begin(self, piece: str) -> Where | None:
        inside = self._stack[-1] if self._stack else None
        is_name = inside is not None and inside.is_object and inside.name is None
        is_value_of_a_member = inside is not None and inside.is_object and not is_name
        if is_name and inside is not None:
            inside.name = str(loads(piece))
        where = self._where()
        if piece in {"{", "["}:
            self._stack.append(_Open(is_object=piece == "{"))
        return None if is_value_of_a_member else where

    def _where(self) -> Where:
        return tuple(each.name or "" if each.is_object else each.index for each in self._stack)
