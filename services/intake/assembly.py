"""How a process gets an intake, or a relay."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from services.contracts.names import Role
from services.intake import pages
from services.intake.api import feedback as feedback_api
from services.intake.api import links as links_api
from services.intake.feedback.promises_copy import PromisesCopy
from services.intake.feedback.registrar import Registrar
from services.intake.feedback.writer import Filing
from services.intake.links.tokens import TicketLinks
from services.intake.outbox import outbox_notifier
from services.intake.pages.wording_report import FIELDS, REPORT, WRONG
from services.intake.pages.wording_ticket import TICKET
from services.intake.relay import Relay
from services.intake.service import Intake
from services.intake.settings import IntakeSettings
from services.intake.surveys import Surveys
from services.intake.tables import idempotency
from services.intake.tickets import Tickets
from services.runtime.errors import Unavailable
from services.runtime.pages import Pages, Phrases
from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_parts import Part
from services.runtime.service_client import Peer
from services.runtime.settings import RuntimeSettings, load

_SWEEP_SECONDS = 3600
_TEMPLATES = Path(__file__).with_name("templates")


@asynccontextmanager
async def assemble(settings: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """Open intake. It is ready whenever PostgreSQL is: nothing else is needed to register a feedback."""
    own = _own(settings)
    database = _database(own, "bihuan-intake")
    secret = own.internal_secret.get_secret_value()
    peer, surveys = Peer(own.tickets_url, secret), Peer(own.survey_url, secret)
    notifier = outbox_notifier(database)
    intake = _intake(own, database, peer, surveys, notifier)
    work = (notifier.run(), intake.promises.follow(own.promises_poll_seconds), _sweep(intake.idempotency))
    async with _in_background(*work):
        yield Part(
            name=Role.INTAKE,
            routers=[feedback_api.router, links_api.router, *pages.routers],
            internal_routers=[feedback_api.internal_router],
            ready={"postgresql": database.ping},
            state=intake,
        )
    await surveys.close()
    await peer.close()
    await database.dispose()


@asynccontextmanager
async def assemble_relay(settings: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """Open the relay."""
    own = _own(settings)
    database = _database(own, "bihuan-relay")
    peer = Peer(own.tickets_url, own.internal_secret.get_secret_value())
    relay = Relay(database, peer, poll_seconds=own.relay_poll_seconds)
    async with _in_background(relay.run()):
        yield Part(name=Role.RELAY, ready={"postgresql": database.ping}, state=relay)
    await peer.close()
    await database.dispose()


def _own(settings: RuntimeSettings | None) -> IntakeSettings:
    return settings if isinstance(settings, IntakeSettings) else load(IntakeSettings)


def _database(settings: IntakeSettings, name: str) -> Database:
    url = settings.database_url.get_secret_value()
    return Database(url, pool_size=settings.pool_size, role=settings.database_role, application_name=name)


def _intake(
    settings: IntakeSettings, database: Database, peer: Peer, surveys: Peer, notifier: CommitNotifier
) -> Intake:
    secret = settings.link_secret.get_secret_value()
    if not secret:
        raise ValueError("BIHUAN_LINK_SECRET is empty: links that customers get would be anybody's to make")
    promises = PromisesCopy(database, settings.policy_pack)
    identity_secret = _key(secret, "customer identities")
    zone, links = ZoneInfo(settings.time_zone), TicketLinks(settings.public_url, secret)
    filing = Filing(database, promises, zone=zone, secret=identity_secret)
    registrar = Registrar(database, filing, links, filed=notifier.announce)
    fingerprints = _key(secret, "bodies").hex()
    return Intake(
        database=database,
        idempotency=Idempotency(database, idempotency, fingerprints),
        registrar=registrar,
        promises=promises,
        tickets=Tickets(peer),
        surveys=Surveys(surveys),
        links=links,
        pages=Pages(_TEMPLATES, Phrases(REPORT, WRONG, FIELDS, TICKET), settings),
        zone=zone,
        link_lifetime=timedelta(days=settings.ticket_link_days),
        lookups_per_hour=settings.contact_lookups_per_hour,
        secret=fingerprints,
        identity_secret=identity_secret,
    )


def _key(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)


async def _sweep(answers: Idempotency) -> None:
    while True:
        with suppress(Unavailable):
            await answers.sweep()
        await asyncio.sleep(_SWEEP_SECONDS)


@asynccontextmanager
async def _in_background(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
