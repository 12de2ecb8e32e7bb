"""The permission table at an endpoint: 403 for whoever lacks the right."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends

from services.contracts.permissions import Action, Ticket, may
from services.runtime.errors import Forbidden
from services.runtime.security.auth import Caller
from services.runtime.security.auth import caller as caller_of_request


def allowed_to(
    *actions: Action, known_by: Callable[..., Any] = caller_of_request
) -> Callable[[Caller], Awaitable[Caller]]:
    """Make a dependency: the caller, who may do one of `actions` on some ticket at least; 403 otherwise, before
    anything else is looked at. `known_by` is the dependency that tells who calls."""

    async def check(caller: Annotated[Caller, Depends(known_by)]) -> Caller:
        if not any(may(caller, action) for action in actions):
            raise Forbidden
        return caller

    return check


def require_right(caller: Caller, action: Action, ticket: Ticket) -> None:
    """Let pass who may do `action` on `ticket`.

    Raises:
        Forbidden: the caller may not.
    """
    if not may(caller, action, ticket):
        raise Forbidden
