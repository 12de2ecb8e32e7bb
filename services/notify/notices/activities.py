"""Activities of the notice's workflow."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.contracts.names import ACTIVITY_DELIVER, ACTIVITY_GIVE_UP
from services.contracts.notice import NoticeOrder
from services.notify.notices.channels.base import DeliveryDeferred
from services.notify.notices.delivery import Delivery
from services.runtime.errors import Refusal
from services.runtime.telemetry import log


class NoticeActivities:
    """Both are safe to repeat: the row says what is left to do."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    @activity.defn(name=ACTIVITY_DELIVER)
    async def deliver(self, order: NoticeOrder) -> str:
        """Try to deliver a notice once; answers the state it is in then.

        Raises:
            ApplicationError: it did not go, and may later; the message is a code, without an address.
        """
        try:
            return await self._delivery.attempt(order.id, order.round)
        except (DeliveryDeferred, Refusal) as error:
            raise ApplicationError("not delivered", error.code, type=type(error).__name__) from None
        except Exception as error:  # noqa: BLE001 - what it says may quote an address, and would end in the history
            log().exception("a notice was not delivered")
            raise ApplicationError("not delivered", type=type(error).__name__) from None

    @activity.defn(name=ACTIVITY_GIVE_UP)
    async def give_up(self, order: NoticeOrder) -> str:
        """Enter that a notice has failed; answers the state it is in then."""
        return await self._delivery.give_up(order.id, order.round)
