"""The interface of every channel."""

from typing import Protocol

from services.contracts.notice import Audience, NoticeChannel
from services.notify.notices.letter import Letter


class Undeliverable(Exception):
    """This notice will never arrive like this; `code` says why, without an address."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class DeliveryDeferred(Exception):
    """The channel did not take the notice now; later it may. Whether it arrived is unknown."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class ChannelAdapter(Protocol):
    """One way a notice goes."""

    @property
    def name(self) -> NoticeChannel:
        """Its name in the API."""

    @property
    def takes_letters(self) -> bool:
        """Whether it hands letters to somebody. Without, the notice's row is what its recipient reads."""

    def reaches(self, audience: Audience, email: str | None) -> bool:
        """Whether somebody of this audience has the address that this channel needs."""

    async def send(self, letter: Letter) -> None:
        """Hand the letter over; returns when the other side has taken it. A repeat carries the same key.

        Raises:
            Undeliverable: it will never go.
            DeliveryDeferred: not now.
        """
