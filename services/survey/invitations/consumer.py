"""From the journal to invitations: one row a closing, and what a reopening withdraws (semantics.md 20, 25)."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feed import TicketEvent
from services.contracts.journal import EventType
from services.contracts.policy import PolicySettings
from services.contracts.survey import NotInvited, SurveyState
from services.contracts.vocabulary import CloseReason
from services.runtime.postgres.commit_notifier import wake
from services.survey.answers.questionnaires import latest
from services.survey.links import SurveyLinks, new_nonce, token_hash
from services.survey.metrics import count
from services.survey.states import FIRST_ATTEMPTS_CHANNEL, STARTER_CHANNEL
from services.survey.tables import invitations
from services.survey.times import wall_length

CLOSINGS = frozenset({EventType.CLOSED, EventType.MERGED, EventType.WITHDRAWN})
NEEDED = CLOSINGS | {EventType.REOPENED}
"""The events that cause anything here; the feed leaves out the others."""
_ASKED = (SurveyState.SCHEDULED, SurveyState.SENT, SurveyState.ANSWERED, SurveyState.EXPIRED)
_COPIED = {
    *(
        "ticket_no",
        "customer_id",
        "language",
        "department",
        "owner",
        "co_owners",
        "complaint_about",
        "kind",
        "category",
    ),
    *("urgency", "priority", "channel", "product_model", "policy", "resolved_at"),
}
"""What an invitation keeps of its ticket as it was when it closed."""


class Inviter:
    """Applies pages of the feed; each in the transaction that moves the cursor, so exactly once."""

    def __init__(self, links: SurveyLinks, cooldown: timedelta) -> None:
        self._links = links
        self._cooldown = cooldown

    async def apply(self, connection: AsyncConnection, items: Sequence[TicketEvent]) -> None:
        """Invite after closings, withdraw after reopenings."""
        for item in items:
            if item.event.type in CLOSINGS:
                await self._close(connection, item)
            elif item.event.type is EventType.REOPENED:
                await _reopen(connection, item)

    async def apply_dead_letter(self, connection: AsyncConnection, item: TicketEvent) -> None:
        """As `apply`, for an event that could not be applied in its turn: nobody is asked about a cycle that a
        reopening has taken back since."""
        if item.ticket.cycle == item.event.cycle or item.event.type is EventType.REOPENED:
            await self.apply(connection, [item])

    async def _close(self, connection: AsyncConnection, item: TicketEvent) -> None:
        reason = await self._why_not(connection, item)
        row = await self._row(connection, item, reason)
        statement = insert(invitations).values(row).on_conflict_do_nothing().returning(invitations.c.id)
        if (await connection.execute(statement)).first() is None:
            return
        if reason is None:
            await wake(connection, FIRST_ATTEMPTS_CHANNEL)
            count("scheduled")
        else:
            count("not_sent")

    async def _why_not(self, connection: AsyncConnection, item: TicketEvent) -> NotInvited | None:
        closed_for = CloseReason(str(item.event.data["reason"]))
        if closed_for is not CloseReason.CONFIRMED:
            return NotInvited(closed_for)
        expires_after = item.ticket.survey_expires_after or PolicySettings().survey_expires_after
        if item.event.at + wall_length(expires_after) < datetime.now(UTC):
            return NotInvited.STALE
        if await self._was_just_asked(connection, item):
            return NotInvited.COOLDOWN
        return None

    async def _was_just_asked(self, connection: AsyncConnection, item: TicketEvent) -> bool:
        """Whether the customer was asked about another ticket; the next cycle of the same one is its own question."""
        asked = exists().where(
            invitations.c.customer_id == item.ticket.customer_id,
            invitations.c.ticket_no != item.ticket_no,
            invitations.c.state.in_(_ASKED),
            invitations.c.closed_at > item.event.at - self._cooldown,
        )
        return bool(await connection.scalar(select(asked)))

    async def _row(self, connection: AsyncConnection, item: TicketEvent, reason: NotInvited | None) -> dict[str, Any]:
        """The invitation. Between its closing and its reopening a ticket changes nothing that is copied."""
        ticket, defaults = item.ticket, PolicySettings()
        id_, nonce = uuid.uuid4().hex, new_nonce()
        questionnaire, version = await latest(connection, ticket.questionnaire)
        return {
            **ticket.model_dump(include=_COPIED),
            "id": id_,
            "cycle": item.event.cycle,
            "state": SurveyState.NOT_SENT if reason else SurveyState.SCHEDULED,
            "not_sent_reason": reason,
            "questionnaire": questionnaire,
            "questionnaire_version": version,
            "close_reason": str(item.event.data["reason"]),
            "closed_at": item.event.at,
            "remind_after": ticket.survey_reminder_after or defaults.survey_reminder_after,
            "expires_after": ticket.survey_expires_after or defaults.survey_expires_after,
            "created_at": datetime.now(UTC),
            "nonce": nonce,
            "token_hash": token_hash(self._links.token(id_, nonce)),
            "done": reason is not None,
        }


async def _reopen(connection: AsyncConnection, item: TicketEvent) -> None:
    """Mark the last closing as reopened; what is not answered yet is withdrawn, an answer is kept."""
    still_open = invitations.c.state.in_((SurveyState.SCHEDULED, SurveyState.SENT))
    earlier = (invitations.c.ticket_no == item.ticket_no) & (invitations.c.cycle < item.event.cycle)
    await connection.execute(
        update(invitations).where(earlier, invitations.c.reopened_at.is_(None)).values(reopened_at=item.event.at)
    )
    withdrawn = await connection.execute(
        update(invitations)
        .where(earlier, still_open)
        .values(
            state=SurveyState.WITHDRAWN,
            withdrawn_at=item.event.at,
            revision=invitations.c.revision + 1,
            engine_id=None,
        )
        .returning(invitations.c.id)
    )
    if withdrawn.first() is not None:
        count("withdrawn")
        await wake(connection, STARTER_CHANNEL)
