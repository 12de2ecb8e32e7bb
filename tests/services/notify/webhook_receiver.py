"""A receiver of webhooks: a real HTTP server that writes down what comes and answers as it is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from tests.ports import free_port


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    headers: Mapping[str, str]
    text: str
    request: web.Request

    @property
    def id(self) -> str:
        """The message's id, constant over its tries."""
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        """The event."""
        parsed: dict[str, Any] = json.loads(self.text)
        return parsed

    def verified(self, secret: str) -> dict[str, Any]:
        """The event, if it is signed with `secret`: what a receiver does with the `standardwebhooks` library.

        Raises:
            WebhookVerificationError: it is not.
        """
        event: dict[str, Any] = Webhook(secret).verify(self.text, dict(self.headers))
        return event


Answer = Callable[[Received], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """Requests in the order in which they came. `answer` may be replaced at any time."""

    port: int
    answer: Answer
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    @property
    def url(self) -> str:
        """The address to send to."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks"

    @property
    def ids(self) -> list[str]:
        """The messages' ids, repeats included."""
        return [each.id for each in self.received]

    def seqs(self, ticket_no: str) -> list[int]:
        """The numbers of a ticket's events, repeats included."""
        return [each.body["seq"] for each in self.received if each.body["ticket_no"] == ticket_no]

    def answers(self, *statuses: int, **headers: str) -> None:
        """Answer with these statuses one after another, and from then on with the last one."""
        rest = list(statuses)

        async def answer(_: Received) -> web.StreamResponse:
            status = rest.pop(0) if len(rest) > 1 else rest[0]
            return web.Response(status=status, headers={name.replace("_", "-"): it for name, it in headers.items()})

        self.answer = answer

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Write a request down and answer it."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            received = Received(request.headers.copy(), await request.text(), request)
            self.received.append(received)
            return await self.answer(received)
        finally:
            self.under_way -= 1


async def never(_: Received) -> web.StreamResponse:
    """Answers nothing."""
    await asyncio.Event().wait()
    raise AssertionError


def own_certificate() -> ssl.SSLContext:
    """A certificate for this machine that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "certificate.pem"
        file.write_bytes(pem)
        context.load_cert_chain(file)
    return context


@asynccontextmanager
async def receiving(port: int | None = None, *, tls: bool = False) -> AsyncIterator[Receiver]:
    """A receiver that answers 204 to everything; with `tls`, under a certificate of its own making."""
    receiver = Receiver(port or free_port(), never, scheme="https" if tls else "http")
    receiver.answers(204)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    context = own_certificate() if tls else None
    await web.TCPSite(runner, "127.0.0.1", receiver.port, ssl_context=context).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()
