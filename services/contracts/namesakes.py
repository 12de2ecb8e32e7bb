"""Namesakes: people of one name are told apart wherever they are named, by department, or else by user name."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

_BESIDE = " · "


class Named(NamedTuple):
    """Somebody who acts: a member of staff, or an API key. `own` is unlike everybody else's: a user name, or an id."""

    id: str
    name: str
    department: str | None
    own: str


def told_apart(people: Iterable[Named]) -> dict[str, str]:
    """Names by id that tell namesakes apart: by their name alone where it is theirs alone."""
    namesakes: dict[str, list[Named]] = defaultdict(list)
    for each in people:
        namesakes[_heard(each.name)].append(each)
    return {each.id: _called(each, alike) for alike in namesakes.values() for each in alike}


def _called(one: Named, alike: list[Named]) -> str:
    if len(alike) == 1:
        return one.name
    departments = Counter(each.department for each in alike)
    beside = one.department if one.department and departments[one.department] == 1 else one.own
    return one.name + _BESIDE + beside


def _heard(name: str) -> str:
    """Names that look alike are one: width, case and spaces tell nobody apart."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
