"""The channel that would reach a customer about a ticket, asked before something is said to them (product.md 6)."""

from collections.abc import Sequence

from services.contracts.address import AddressQuestion, CustomerAddress, Reach, ReachQuestion, Unreached
from services.contracts.notice import Audience, NoticeChannel
from services.notify.notices.channels.base import ChannelAdapter
from services.notify.notices.channels.choice import channel_to
from services.runtime.service_client import ServiceClient


async def reaches(intake: ServiceClient, channels: Sequence[ChannelAdapter], question: ReachQuestion) -> list[Reach]:
    """Answer the asks in their order, by the addresses and channels that a notice would go by now.

    Raises:
        Unavailable: intake does not answer.
    """
    asked = AddressQuestion(asks=question.asks)
    answer = await intake.post("/internal/customers/addresses", asked.model_dump(mode="json"))
    return [reach_of(channels, CustomerAddress.model_validate(item)) for item in answer["items"]]


def reach_of(channels: Sequence[ChannelAdapter], known: CustomerAddress) -> Reach:
    """The way in which one customer is reached; the address is shown in part."""
    if known.ticket_link is None:
        return Reach(reason=Unreached.UNKNOWN_RECIPIENT)
    channel = channel_to(channels, Audience.CUSTOMER, known.email)
    if channel is None:
        return Reach(reason=Unreached.NO_ADDRESS)
    address = known.masked_email if channel.name is NoticeChannel.EMAIL else None
    return Reach(channel=channel.name, address=address)
