"""E-mail over SMTP."""

import hashlib
import unicodedata
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib

from services.contracts.notice import NoticeChannel
from services.notify.notices.channels.base import Undeliverable, Unreached
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
_LONGEST_NAME = 120
_BESIDE_LETTERS = frozenset("!#$%&'*+-/=?^_`{|}~.")
"""What an unquoted address may hold besides letters and digits (RFC 5321)."""


class Email:
    """Hands a letter to one mail server. A connection a letter: a server that fails one letter fails no other."""

    name = NoticeChannel.EMAIL

    def __init__(self, settings: NotifySettings) -> None:
        self._settings = settings

    def reaches(self, letter: Letter) -> bool:
        """Whether there is an e-mail address."""
        return letter.to_email is not None

    async def send(self, letter: Letter) -> None:
        """Send one mail.

        Raises:
            Undeliverable: it cannot be written, or the server refuses this recipient or this content for good.
            Unreached: no connection, no sign-in, or the server asks to come again.
        """
        message = compose(letter, self._settings)
        try:
            async with self._server() as server:
                await _hand_over(server, message)
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            raise _refused(error) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Unreached(f"smtp_{type(error).__name__}") from None

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


def compose(letter: Letter, settings: NotifySettings) -> EmailMessage:
    """Write the mail: plain text and HTML, and headers that tell programs what it is.

    Raises:
        Undeliverable: an address or a text that no mail can carry.
    """
    message = EmailMessage(policy=SMTP)
    domain = settings.smtp_from.rpartition("@")[2]
    try:
        message["From"] = _address(settings.smtp_from_name, settings.smtp_from)
        message["To"] = _address(letter.to_name, letter.to_email or "")
        message["Subject"] = header(letter.subject)
        message["Date"] = format_datetime(datetime.now(UTC))
        # The same over all repeats of a notice: mail servers and programs drop a second copy.
        message["Message-ID"] = f"<{hashlib.sha256(letter.key.encode()).hexdigest()[:40]}@{domain}>"
        if settings.smtp_reply_to:
            message["Reply-To"] = settings.smtp_reply_to
        # So that holiday notes and other machines do not answer (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["List-Id"] = f"<notices.{domain}>"
        if letter.urgent:
            message["Importance"] = "high"
        message.set_content(letter.text, cte="base64")
        message.add_alternative(letter.html, subtype="html", cte="base64")
        message["Content-Language"] = letter.language.value
        message.as_bytes()
    except (MessageError, ValueError, TypeError, IndexError, AttributeError):
        raise Undeliverable("unwritable") from None
    return message


def header(value: str) -> str:
    """A value that stays within its header: no line ends, no control or formatting characters."""
    plain = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in value)
    return " ".join(plain.split())


def _address(name: str | None, email: str) -> Address:
    """An address as mail carries it: the domain in ASCII, the part before it in any script (RFC 6531)."""
    display_name = header(name or "")[:_LONGEST_NAME]
    local, at, domain = email.rpartition("@")
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")
    if local.isascii() or not all(letter.isalnum() or letter in _BESIDE_LETTERS for letter in local):
        return Address(display_name=display_name, addr_spec=f"{local}{at}{domain}")
    return Address(display_name=display_name, username=local, domain=domain)


async def _hand_over(server: aiosmtplib.SMTP, message: EmailMessage) -> None:
    """Send it. A server that takes no address beyond ASCII will not take this one tomorrow."""
    try:
        await server.send_message(message)
    except aiosmtplib.SMTPNotSupported:
        raise Undeliverable("smtputf8_unsupported") from None


def _refused(error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException) -> Undeliverable | Unreached:
    """Permanent is a refusal of this recipient or content; that the server refuses us is a setting to be mended."""
    answers = error.recipients if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else [error]
    code = max(answer.code for answer in answers)
    named = f"smtp_{code}"
    if code < _FIRST_PERMANENT or code in _SIGN_IN or isinstance(error, _REFUSES_US):
        return Unreached(named)
    return Undeliverable(named)
