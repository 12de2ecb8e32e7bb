"""HTTP of quiet hours (product.md 6)."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response

from services.access.rights import allowed_to
from services.contracts.base import Instant
from services.contracts.permissions import Action
from services.notify.hours import store
from services.notify.hours.quiet_hours import QuietHours
from services.notify.hours.store import QuietHoursView
from services.notify.notices.submission import release_held
from services.notify.service import NotifyDep
from services.runtime.http.conditions import if_match, versioned
from services.runtime.http.openapi import CONDITIONAL, VERSIONED
from services.runtime.security.auth import Caller

router = APIRouter(tags=["notices"])

Reader = Annotated[Caller, Depends(allowed_to(Action.READ_POLICY))]
Writer = Annotated[Caller, Depends(allowed_to(Action.WRITE_POLICY))]


class QuietHoursBody(QuietHours):
    """The quiet hours to keep from now on. `version`, `updated_at` and `updated_by`, where given, are what was read and
    are not stored."""

    version: int | None = None
    updated_at: Instant | None = None
    updated_by: str | None = None


@router.get("/v1/quiet-hours", response_model=QuietHoursView, responses=VERSIONED)
async def read_quiet_hours(notify: NotifyDep, _: Reader) -> Response:
    """Show when notices that can wait do so: those to customers, and those to the staff."""
    async with notify.resources.database.read() as connection:
        return versioned(await store.in_force(connection))


@router.put("/v1/quiet-hours", response_model=QuietHoursView, responses=VERSIONED, openapi_extra=CONDITIONAL)
async def put_quiet_hours(
    request: Request, notify: NotifyDep, caller: Writer, body: Annotated[QuietHoursBody, Body()]
) -> Response:
    """Set the quiet hours; every version is kept. What is urgent, and the receipt of a feedback, never waits.

    Alerts know better: outside a shift, one's own hours and the calendar of one's department, the quiet hours of the
    staff are when an alert of a ticket that is not urgent reaches nobody.
    """
    async with notify.resources.database.begin() as connection:
        stored = await store.put(connection, body, by=caller.id, if_match=if_match(request))
        await release_held(connection)
        return versioned(stored)
