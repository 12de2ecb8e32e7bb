"""Ways in which a customer would be reached: by the channel that a notice would take, shown with a part of the
address."""

import pytest

from services.contracts.address import AddressInPart, Reach, Unreached
from services.contracts.notice import NoticeChannel
from services.notify.notices.channels.choice import channels_of
from services.notify.notices.customer_reach import reach_of
from services.notify.settings import NotifySettings

WITHOUT_MAIL, WITH_MAIL = NotifySettings(smtp_host=None), NotifySettings(smtp_host="mail.example")


def known(email: str | None) -> AddressInPart:
    return AddressInPart(known=True, masked_email=email)


NOBODY = AddressInPart()


@pytest.mark.parametrize(
    ("settings", "address", "reach"),
    [
        (WITH_MAIL, known("h***@example.com"), Reach(channel=NoticeChannel.EMAIL, address="h***@example.com")),
        (WITH_MAIL, known(None), Reach(reason=Unreached.NO_ADDRESS)),
        (WITHOUT_MAIL, known("h***@example.com"), Reach(channel=NoticeChannel.INBOX)),
        (WITHOUT_MAIL, known(None), Reach(channel=NoticeChannel.INBOX)),
        (WITH_MAIL, NOBODY, Reach(reason=Unreached.UNKNOWN_RECIPIENT)),
        (WITHOUT_MAIL, NOBODY, Reach(reason=Unreached.UNKNOWN_RECIPIENT)),
    ],
)
def test_a_customer_is_reached_by_the_first_channel_that_has_what_it_needs(
    settings: NotifySettings, address: AddressInPart, reach: Reach
) -> None:
    assert reach_of(channels_of(settings), address) == reach


@pytest.mark.parametrize(
    ("reach", "goes"),
    [
        (Reach(channel=NoticeChannel.INBOX), True),
        (Reach(reason=Unreached.NOT_KNOWN), True),
        (Reach(reason=Unreached.NO_ADDRESS), False),
        (Reach(reason=Unreached.UNKNOWN_RECIPIENT), False),
    ],
)
def test_what_cannot_be_known_is_believed(reach: Reach, goes: bool) -> None:
    assert reach.goes is goes
