"""Names of staff and departments: the directory's lists, asked once in a while and shared by readers.

Every role of staff may read them, and those who share a copy see the same keys, so nobody learns from this cache what
they might not ask for themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from typing import Any

from services.console.public_api.client import ApiProblem, Desk
from services.contracts.namesakes import Named, told_apart

_KNOWN_SECONDS = 20.0
_HANDLING = frozenset({"clerk", "handler", "department_head", "supervisor"})


@dataclass(frozen=True)
class KnownDirectory:
    """A copy of the directory, in its order."""

    staff: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    departments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def person(self, identifier: str | None) -> str:
        """The name of a member of staff or a key, with what tells namesakes apart; an unknown id stands for itself."""
        return self._called.get(identifier or "", identifier or "")

    @cached_property
    def active_departments(self) -> list[Mapping[str, Any]]:
        """The departments that take work."""
        return [each for each in self.departments.values() if each["active"]]

    @cached_property
    def handlers(self) -> Mapping[str, Mapping[str, Any]]:
        """Active members of staff who handle tickets."""
        return {id_: it for id_, it in self.staff.items() if it["active"] and not _HANDLING.isdisjoint(it["roles"])}

    @cached_property
    def _called(self) -> Mapping[str, str]:
        staff = (
            Named(id_, str(it["name"]), self.department(it["department"]), str(it["username"]))
            for id_, it in self.staff.items()
        )
        keys = (Named(id_, str(it["name"]), self.department(it["department"]), id_) for id_, it in self.keys.items())
        return told_apart([*staff, *keys])

    def department(self, identifier: str | None) -> str:
        """A department's name; an unknown id stands for itself."""
        found = self.departments.get(identifier or "")
        return str(found["name"]) if found else identifier or ""


class Names:
    """A copy for each department, which sees keys of its own; renewed after 20 s by whoever asks next."""

    def __init__(self) -> None:
        self._copies: dict[str | None, tuple[float, KnownDirectory]] = {}

    async def directory(self, desk: Desk) -> KnownDirectory:
        """The copy; an older one while the directory does not answer."""
        until, copy = self._copies.get(desk.sees, (0.0, KnownDirectory()))
        if until > monotonic():
            return copy
        try:
            staff, departments, keys = [
                await desk.items(f"/v1/{each}") for each in ("staff", "departments", "api-keys")
            ]
        except ApiProblem:
            return copy
        copy = KnownDirectory(_by_id(staff), _by_id(departments), _by_id(keys))
        self._copies[desk.sees] = (monotonic() + _KNOWN_SECONDS, copy)
        return copy

    def forget(self) -> None:
        """Ask again at the next page: the directory has just been changed."""
        self._copies = {sees: (0.0, copy) for sees, (_, copy) in self._copies.items()}


def _by_id(items: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {each["id"]: each for each in items}
