"""A callback as it is recorded: when the call was, whether another attempt could count, and what it left open."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.contracts.base import format_instant
from services.contracts.commands.handling import UNREACHED, RecordCallbackBody
from services.contracts.feedback import CustomerAsk, CustomerView, OpenQuestion, ShownCustomer
from services.contracts.policy import PolicySettings, PolicySnapshot
from services.contracts.vocabulary import CallbackChannel
from services.promises.calendars import CalendarExhausted
from services.runtime.errors import ValidationFailed
from services.runtime.instants import require_passed
from services.runtime.service_client import ServiceClient
from services.workflow.policies.catalogue import Catalogue
from services.workflow.views.customer_reach import ask_intake
from services.workflow.views.ticket_row import TicketRow

_ALWAYS = "always"
_CHANNELS = {
    "phone": CallbackChannel.PHONE,
    "email": CallbackChannel.EMAIL,
    "wechat_open_id": CallbackChannel.WECHAT,
}
"""By which contact of the customer each channel goes."""
_TOO_EARLY = {"en": "a call is recorded after it was made", "zh": "通话时间不能晚于记录时间"}


@dataclass(frozen=True, kw_only=True)
class Callbacks:
    """Prepares callbacks for the workflow, which knows neither calendars nor contacts."""

    catalogue: Catalogue
    intake: ServiceClient

    async def decision(self, ticket: TicketRow, command_id: str, body: RecordCallbackBody) -> dict[str, Any]:
        """The decision that the workflow must know besides the body; a question that was left open becomes a ticket,
        the same for every repeat.

        Raises:
            ValidationFailed: the call cannot have been then.
            Unavailable: intake does not answer.
        """
        now = datetime.now(UTC)
        _require_possible(ticket, body, now)
        if body.outcome in UNREACHED:
            return await self._vain(ticket, now)
        if body.open_question is None:
            return {}
        question = OpenQuestion(
            command_id=command_id,
            question=body.open_question,
            channel=body.channel,
            response_target=_settings(ticket).open_question_response,
        )
        path = f"/internal/feedback/{ticket.row['ticket_no']}/follow-ups"
        told = await self.intake.post(path, question.model_dump(mode="json"))
        return {"follow_up": told["ticket_no"]}

    async def _vain(self, ticket: TicketRow, now: datetime) -> dict[str, Any]:
        """From when on another vain attempt may count, and by which channels (product.md 3.6)."""
        next_at = await self._next_working_day(ticket, now)
        channels = await self._channels(ticket)
        return {"next_counts_from": format_instant(next_at), "customer_channels": [str(it) for it in channels]}

    async def _next_working_day(self, ticket: TicketRow, now: datetime) -> datetime:
        policy = PolicySnapshot.model_validate(ticket.row["policy"]) if ticket.row["policy"] else None
        calendars = (await self.catalogue.in_force()).calendars
        calendar = calendars.get(policy.calendar_of(ticket.department) if policy else _ALWAYS) or calendars[_ALWAYS]
        try:
            return calendar.next_working_day(now)
        except CalendarExhausted:
            return now + timedelta(days=1)

    async def _channels(self, ticket: TicketRow) -> tuple[CallbackChannel, ...]:
        """The channels of the contacts that the customer has; which contacts they are is not asked."""
        ask = CustomerAsk(ticket_no=ticket.row["ticket_no"], customer_id=ticket.row["customer_id"])
        (shown,) = await ask_intake(self.intake, (ask,), "system", "workflow")
        return channels_of(ShownCustomer.model_validate(shown))


def channels_of(customer: CustomerView) -> tuple[CallbackChannel, ...]:
    """The channels of the contacts that a customer has; what cannot be a contact is none."""
    usable = {name: channel for name, channel in _CHANNELS.items() if name not in customer.unusable}
    return tuple(channel for name, channel in usable.items() if getattr(customer, name))


def _require_possible(ticket: TicketRow, body: RecordCallbackBody, now: datetime) -> None:
    require_passed("/called_at", body.called_at, now, _TOO_EARLY)
    resolved_at = ticket.state.resolved_at
    # People tell the minute of a call.
    if body.called_at and resolved_at and body.called_at < resolved_at.replace(second=0, microsecond=0):
        raise ValidationFailed.at(
            "/called_at", "before_resolution", {"en": "the ticket was not resolved yet", "zh": "当时工单尚未解决"}
        )


def _settings(ticket: TicketRow) -> PolicySettings:
    policy = ticket.row["policy"]
    return PolicySettings.model_validate(policy["settings"]) if policy else PolicySettings()
