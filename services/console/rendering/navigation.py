"""The main navigation: what a reader may open, in the order of use."""

from collections.abc import Collection
from dataclasses import dataclass

from services.contracts.permissions import Action


@dataclass(frozen=True)
class NavigationEntry:
    """One page, and what its tabs lead to: `beside` are the paths of those that do not lie below it.

    `needs` is the right without which it stays out of sight; the API decides all the same. Whoever has `beyond` finds
    the page behind another entry.
    """

    name: str
    path: str
    icon: str
    needs: Action
    beside: tuple[str, ...] = ()
    beyond: Action | None = None

    def is_open(self, path: str) -> bool:
        """Whether `path` is one of these pages or lies below one."""
        return any(path == each or path.startswith(each + "/") for each in (self.path, *self.beside))


PROMISES = ("/calendars", "/ladders", "/quiet-hours", "/policy-packs", "/publications")
ENTRIES = (
    NavigationEntry("board", "/board", "board", Action.READ_TICKET),
    NavigationEntry("new_ticket", "/tickets/new", "plus", Action.REGISTER_FEEDBACK),
    NavigationEntry("alerts", "/alerts", "bell", Action.READ_ALERT),
    NavigationEntry("report", "/reports/satisfaction", "chart", Action.READ_REPORT),
    NavigationEntry("inbox", "/inbox", "mail", Action.READ_NOTICE),
    NavigationEntry("policies", "/policies", "running", Action.READ_POLICY, PROMISES),
    NavigationEntry("on_call", "/people/on-call", "phone", Action.READ_DIRECTORY, beyond=Action.WRITE_DIRECTORY),
    NavigationEntry("people", "/people", "people", Action.WRITE_DIRECTORY),
    NavigationEntry("keys", "/keys", "key", Action.WRITE_DIRECTORY),
)


def entries_for(allowed: Collection[str]) -> list[NavigationEntry]:
    """The entries that somebody with these rights gets to see."""
    return [entry for entry in ENTRIES if entry.needs in allowed and entry.beyond not in allowed]
