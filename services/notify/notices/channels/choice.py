"""The channels that the settings open, and the one by which somebody is reached: the first that has what it needs."""

from collections.abc import Sequence

from services.contracts.notice import Audience
from services.notify.notices.channels.base import ChannelAdapter
from services.notify.notices.channels.email import Email
from services.notify.notices.channels.inbox import Inbox
from services.notify.settings import NotifySettings


def channels_of(settings: NotifySettings) -> Sequence[ChannelAdapter]:
    """In the order in which they are tried."""
    mails = settings.smtp_host is not None
    inbox = Inbox(for_customers=not mails)
    return (Email(settings), inbox) if mails else (inbox,)


def channel_to(channels: Sequence[ChannelAdapter], audience: Audience, email: str | None) -> ChannelAdapter | None:
    """By which one of them somebody is reached; None when by none."""
    return next((each for each in channels if each.reaches(audience, email)), None)
