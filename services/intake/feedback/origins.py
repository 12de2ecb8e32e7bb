"""Origins of a feedback: whoever registers it, and whether they answer for who its sender is.

A form's words are a stranger's: whoever types somebody's phone is not therefore that somebody. What is vouched for may
enter the customer's record and is told to the contacts in it; everything else stays with its own feedback.
"""

from dataclasses import dataclass

from services.contracts.permissions import Action, may
from services.contracts.vocabulary import Channel
from services.runtime.postgres.idempotency import KeyedRequest
from services.runtime.security.auth import Caller

STRANGERS = frozenset({Channel.WEB, Channel.QR, Channel.EMAIL, Channel.SOCIAL})
"""Channels on which anybody can say that they are anybody, whoever hands their words on."""


@dataclass(frozen=True)
class Origin:
    """The sender of a registration, by the request under which it came.

    From a program a phone that cannot be one is taken as it is, where a form can ask again. `own_ticket` is a ticket
    whose link the sender holds: it vouches for them if they are its customer, and if it was vouched for itself.
    `customer_id` is the sender where they are known already; nothing is written into their record then.
    """

    asked: KeyedRequest
    is_program: bool = False
    vouches: bool = False
    own_ticket: str | None = None
    customer_id: str | None = None


def origin_of(caller: Caller, channel: Channel, asked: KeyedRequest) -> Origin:
    """The origin of what a caller of the API registers: who may write customers vouches for them, on channels where
    somebody knows who speaks."""
    return Origin(
        asked,
        is_program=caller.kind == "api_key",
        vouches=channel not in STRANGERS and may(caller, Action.WRITE_CUSTOMER),
    )
