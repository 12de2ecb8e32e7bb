"""Messages between the webhook workflow and its activity: identifiers and instants, no event."""

from services.contracts.base import Instant, Message

EVENTS_BEFORE_CONTINUING = 2_000


class WebhookStart(Message):
    """One webhook, from its making to its deletion or until it is switched off."""

    webhook_id: str
    events_before_continuing: int = EVENTS_BEFORE_CONTINUING


class CarryRequest(Message):
    """Deliver what is due at `now`, the workflow's own time."""

    webhook_id: str
    now: Instant


class Carried(Message):
    """The webhook's standing after a pass.

    `over`: it is switched off or deleted, nothing goes any more. `next_at`: when something is due again; without it
    nothing waits.
    """

    over: bool = False
    next_at: Instant | None = None
