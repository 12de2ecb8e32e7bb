"""The channel that would reach a customer about a ticket, asked before something is said to them (product.md 6)."""

from collections.abc import Sequence

from services.contracts.address import AddressInPart, Reach, Unreached
from services.contracts.notice import Audience, NoticeChannel
from services.notify.notices.channels.base import ChannelAdapter
from services.notify.notices.channels.choice import channel_to


def reach_of(channels: Sequence[ChannelAdapter], address: AddressInPart) -> Reach:
    """The way in which one customer is reached, by the channel that a notice would go by now."""
    if not address.known:
        return Reach(reason=Unreached.UNKNOWN_RECIPIENT)
    channel = channel_to(channels, Audience.CUSTOMER, address.masked_email)
    if channel is None:
        return Reach(reason=Unreached.NO_ADDRESS)
    shown = address.masked_email if channel.name is NoticeChannel.EMAIL else None
    return Reach(channel=channel.name, address=shown)
