"""E-mail over SMTP."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib

from services.contracts.notice import Audience, NoticeChannel
from services.notify.notices.channels.base import DeliveryDeferred, Undeliverable
from services.notify.notices.channels.mail_headers import address_of, mailbox, text
from services.notify.notices.letter import Letter
from services.notify.settings import NotifySettings, SmtpSecurity

_FIRST_PERMANENT = 500
_SIGN_IN = {530, 534, 535, 538}
_REFUSES_US = (
    aiosmtplib.SMTPAuthenticationError,
    aiosmtplib.SMTPConnectResponseError,
    aiosmtplib.SMTPHeloError,
    aiosmtplib.SMTPSenderRefused,
)


class Email:
    """Hands a letter to one mail server. A connection a letter: a server that fails one letter fails no other."""

    name = NoticeChannel.EMAIL
    takes_letters = True

    def __init__(self, settings: NotifySettings) -> None:
        self._settings = settings

    def reaches(self, _: Audience, email: str | None) -> bool:
        """Whether there is an e-mail address."""
        return email is not None

    async def send(self, letter: Letter) -> None:
        """Send one mail.

        Raises:
            Undeliverable: it cannot be written, or the server refuses this recipient or this content for good.
            DeliveryDeferred: no connection, no sign-in, or the server asks to come again.
        """
        mail = compose(letter, self._settings)
        try:
            async with self._server() as server:
                await _hand_over(server, mail)
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            raise _refused(error) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise DeliveryDeferred(f"smtp_{type(error).__name__}") from None

    def _server(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value() or None,
            use_tls=settings.smtp_security is SmtpSecurity.TLS,
            start_tls=settings.smtp_security is SmtpSecurity.STARTTLS,
            timeout=settings.smtp_seconds,
        )


@dataclass(frozen=True)
class Mail:
    """A mail as it goes: who sends it to whom, and every byte of it."""

    sender: str
    recipient: str
    content: bytes


def compose(letter: Letter, settings: NotifySettings) -> Mail:
    """Write the mail: plain text and HTML, and headers that tell programs what it is.

    Raises:
        Undeliverable: an address or a text that no mail can carry.
    """
    try:
        sender, recipient = address_of(settings.smtp_from), address_of(letter.to_email or "")
        headers = _headers(letter, settings, sender, recipient)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return Mail(sender, recipient, head.encode() + _body(letter).as_bytes())
    except (MessageError, ValueError, TypeError, IndexError, AttributeError):
        raise Undeliverable("unwritable") from None


def _headers(letter: Letter, settings: NotifySettings, sender: str, recipient: str) -> dict[str, str]:
    domain = sender.rpartition("@")[2]
    headers = {
        "From": mailbox("From", settings.sender_name, sender),
        "To": mailbox("To", letter.to_name, recipient),
        "Subject": text("Subject", letter.subject),
        "Date": format_datetime(datetime.now(UTC)),
        # The same over all repeats of a notice: mail servers and programs drop a second copy.
        "Message-ID": f"<{hashlib.sha256(letter.key.encode()).hexdigest()[:40]}@{domain}>",
        # So that holiday notes and other machines do not answer (RFC 3834).
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"<notices.{domain}>",
        "Content-Language": letter.language.value,
    }
    if settings.smtp_reply_to:
        headers["Reply-To"] = address_of(settings.smtp_reply_to)
    if letter.urgent:
        headers["Importance"] = "high"
    return headers


def _body(letter: Letter) -> EmailMessage:
    body = EmailMessage(policy=SMTP)
    body.set_content(letter.text, cte="base64")
    body.add_alternative(letter.html, subtype="html", cte="base64")
    return body


async def _hand_over(server: aiosmtplib.SMTP, mail: Mail) -> None:
    """Send it. A server that takes no address beyond ASCII will not take this one tomorrow."""
    options = [] if (mail.sender + mail.recipient).isascii() else ["SMTPUTF8"]
    try:
        await server.sendmail(mail.sender, mail.recipient, mail.content, mail_options=options)
    except aiosmtplib.SMTPNotSupported:
        raise Undeliverable("smtputf8_unsupported") from None


def _refused(
    error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException,
) -> Undeliverable | DeliveryDeferred:
    """Permanent is a refusal of this recipient or content; that the server refuses us is a setting to be mended."""
    answers = error.recipients if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else [error]
    code = max(answer.code for answer in answers)
    named = f"smtp_{code}"
    if code < _FIRST_PERMANENT or code in _SIGN_IN or isinstance(error, _REFUSES_US):
        return DeliveryDeferred(named)
    return Undeliverable(named)
