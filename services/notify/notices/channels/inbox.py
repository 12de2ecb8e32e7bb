"""The inbox: a notice is readable in the console, and goes nowhere."""

from services.contracts.notice import Audience, NoticeChannel
from services.notify.notices.letter import Letter


class Inbox:
    """Needs no address and always works: the notice's row is what is read. Staff read it in any case; notices to
    customers end there only while nothing else is set up: otherwise it would show as sent what nobody got."""

    name = NoticeChannel.INBOX
    takes_letters = False

    def __init__(self, *, for_customers: bool) -> None:
        self._for_customers = for_customers

    def reaches(self, audience: Audience, _: str | None) -> bool:
        """Whether somebody reads the inbox for this recipient."""
        return self._for_customers or audience is Audience.STAFF

    async def send(self, _: Letter) -> None:
        """Nothing is left to do."""
