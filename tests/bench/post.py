"""A mail server beside the stack that notes when each mail came, and for whom."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.runtime.stack.ports import free_port
from tests.services.notify.mail_server import TAKEN, MailServer


@dataclass
class DatedMailServer(MailServer):
    """The mails and, beside each, when it was taken; and the same mails by recipient."""

    taken_at: list[datetime] = field(default_factory=list)
    box_of: defaultdict[str, list[EmailMessage]] = field(default_factory=lambda: defaultdict(list))

    @property
    def settings(self) -> dict[str, str]:
        """Settings of a stack that sends here."""
        smtp = {"HOST": "127.0.0.1", "PORT": str(self.port), "SECURITY": "none"}
        return {f"BIHUAN_SMTP_{name}": value for name, value in smtp.items()}

    def arrivals(self, address: str) -> list[tuple[EmailMessage, datetime]]:
        """The mails that this address got, each with its instant."""
        pairs = zip(self.mails, self.taken_at, strict=True)
        return [(mail, at) for mail, at in pairs if address in str(mail["To"])]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if answer == TAKEN:
            self.taken_at.append(datetime.now(UTC))
            for address in envelope.rcpt_tos:
                self.box_of[address].append(self.mails[-1])
        return answer


@asynccontextmanager
async def post() -> AsyncIterator[DatedMailServer]:
    """A server that listens."""
    server = DatedMailServer(free_port())
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
