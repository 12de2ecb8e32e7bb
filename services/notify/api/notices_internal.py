"""Endpoints of notices for other services, on the internal port."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from services.contracts.address import ReachQuestion
from services.contracts.base import Message
from services.contracts.notice import NoticeRequest, NoticeStanding, NoticeState
from services.notify.notices import submission
from services.notify.notices.customer_reach import reach_of
from services.notify.service import NotifyDep
from services.runtime.http.paging import page
from services.runtime.security.auth import PeerDep

router = APIRouter(include_in_schema=False)


class Cancellation(Message):
    """The notices to take back: those that wait under keys that begin like this."""

    prefix: str = Field(min_length=3, max_length=200)


class Cancelled(Message):
    """The number of notices taken back."""

    cancelled: int


@router.post("/internal/notices")
async def submit_notice(request: NoticeRequest, _: PeerDep, notify: NotifyDep) -> NoticeStanding:
    """Take a notice in; a repeat of its key changes nothing and answers where it stands."""
    told = await submission.submit_all(notify.resources.database, [request], notify.notices.stale_after)
    standing = told[request.key]
    if standing.state is NoticeState.WAITING:
        notify.notices.first_tries.announce()
    return standing


@router.get("/internal/notices/{key:path}")
async def read_standing(key: str, _: PeerDep, notify: NotifyDep) -> NoticeStanding:
    """Tell where the notice of a key stands."""
    return await submission.standing(notify.resources.database, key)


@router.post("/internal/reach")
async def tell_reach(question: ReachQuestion, _: PeerDep, notify: NotifyDep) -> dict[str, Any]:
    """Tell how customers are reached who have these addresses, in the order asked."""
    found = [reach_of(notify.notices.channels, address) for address in question.addresses]
    return page([each.model_dump(mode="json") for each in found])


@router.post("/internal/notices/cancel")
async def cancel_notices(asked: Cancellation, _: PeerDep, notify: NotifyDep) -> Cancelled:
    """Take back notices whose message no longer holds (semantics.md 21)."""
    async with notify.resources.database.begin() as connection:
        return Cancelled(cancelled=await submission.cancel(connection, asked.prefix))
