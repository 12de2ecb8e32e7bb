"""Lines of a text where each value stands, so that a person who wrote it is shown the line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from json import loads

from services.runtime.http.problems import pointer

Where = tuple[int | str, ...]

_MOST_CHARACTERS = 4_000_000
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s{}\[\],:"]+')


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
    notes, pieces = Notes(), _pieces(text)
    for piece, line in pieces:
        _note(piece, line, pieces, (), notes)
    return Positions(notes.lines)


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Brackets, names and values, each with its line."""
    line, seen = 1, 0
    for match in _PIECE.finditer(text):
        line += text.count("\n", seen, match.start())
        seen = match.start()
        yield match[0], line


def _note(piece: str, line: int, pieces: Iterator[tuple[str, int]], where: Where, notes: Notes) -> None:
    """Note the value that begins with `piece`, and everything in it; a member begins with its name."""
    notes.add(where, line)
    inside = takewhile(lambda each: each[0] not in {"}", "]"}, pieces)
    if piece == "[":
        for index, (value, at) in enumerate(inside):
            _note(value, at, pieces, (*where, index), notes)
    elif piece == "{":
        for name, at in inside:
            place = (*where, str(loads(name)))
            notes.add(place, at)
            _note(*next(pieces), pieces, place, notes)
