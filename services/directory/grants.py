"""Limits on handing rights on: a key gives away nothing that it does not hold itself."""

from collections.abc import Collection

from services.contracts.directory import Scope, StaffRole
from services.contracts.permissions import BY_ROLE, BY_SCOPE, Action
from services.directory.refusals import BeyondKey
from services.runtime.security.auth import Caller


def require_reach(caller: Caller, department: str | None) -> None:
    """Refuse a key that is bound to a department anything outside it, the whole centre included."""
    if not reaches(caller, department):
        raise BeyondKey


def reaches(caller: Caller, department: str | None) -> bool:
    """Whether a caller keeps what belongs to a department, or to the centre: a key bound to one reaches no further."""
    return caller.kind != "api_key" or caller.department in {None, department}


def require_scopes(caller: Caller, scopes: Collection[str]) -> None:
    """Refuse a key to make, or to touch, another one with scopes that it lacks."""
    if caller.kind == "api_key" and not caller.scopes >= set(scopes):
        raise BeyondKey


def require_roles(caller: Caller, roles: Collection[str]) -> None:
    """Refuse a key to make, or to touch, a person whose roles allow what none of its own scopes allows.

    Otherwise whoever holds the key could set a password and sign in with rights that the key was never given.
    """
    if caller.kind != "api_key":
        return
    held = frozenset[Action]().union(*(BY_SCOPE[Scope(scope)] for scope in caller.scopes))
    if not all(held >= BY_ROLE[StaffRole(role)].keys() for role in roles):
        raise BeyondKey
