"""Refusals of the directory, in the words of its wording."""

from services.directory.wording import WORDING
from services.runtime.errors import Conflict, Forbidden, Unauthenticated, ValidationFailed


class AlreadyExists(Conflict, code="already_exists", wording=WORDING):
    """A name that must be unique is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(WORDING.told("detail", self.default_code, {"name": name}))


class LastAdmin(Conflict, code="last_admin", wording=WORDING):
    """Nobody would be left who can change the directory."""


class DefaultDepartment(Conflict, code="default_department", wording=WORDING):
    """Tickets that no other department takes would have nowhere to go."""


class WrongCredentials(Unauthenticated, wording=WORDING):
    """The same words for an unknown user, a wrong password and somebody deactivated: it tells nothing apart."""


class BeyondKey(Forbidden, wording=WORDING):
    """A key would hand out, or touch, more than it holds itself."""


def wrong(pointer: str, code: str) -> ValidationFailed:
    """One field of a body is wrong."""
    return ValidationFailed.at(pointer, code, WORDING.told("wrong", code))
