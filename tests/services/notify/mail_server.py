"""A real mail server that keeps what it is given, and answers as a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.ports import free_port

TAKEN = "250 taken"


@dataclass
class MailServer:
    """Answers to RCPT and DATA come from the lists, first to last, and are `TAKEN` when those are empty."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    at_recipient: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Recipients and what they are answered for ever."""
    asked: int = 0
    utf8: bool = True
    """Whether addresses in any script are taken (RFC 6531)."""
    recipients: list[str] = field(default_factory=list)
    """Who was accepted, in order."""
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._talk, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that this address got, in order."""
        return [mail for mail in self.mails if address in str(mail["To"])]

    def _talk(self) -> SMTP:
        return SMTP(self, hostname="mail.test", auth_required=False, enable_SMTPUTF8=self.utf8)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.asked += 1
        answer = self.refused.get(address) or (self.at_recipient.pop(0) if self.at_recipient else TAKEN)
        if answer == TAKEN:
            envelope.rcpt_tos.append(address)
            self.recipients.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.at_data.pop(0) if self.at_data else TAKEN
        if answer == TAKEN:
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return answer


def text_of(mail: EmailMessage, subtype: str = "plain") -> str:
    """The body of one kind, as a person reads it."""
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A server that listens."""
    server = MailServer(free_port())
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
