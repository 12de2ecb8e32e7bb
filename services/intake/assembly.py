"""The intake, or the relay, of a process, opened and closed."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from services.contracts.names import Role
from services.intake.api import audit, customers, feedback, internal, links, registration
from services.intake.feedback.promises_copy import PromisesCopy
from services.intake.feedback.registrar import Registrar
from services.intake.feedback.writer import FeedbackWriter
from services.intake.links.tokens import TicketLinks
from services.intake.pages import report, ticket
from services.intake.relay import Relay, relay_notifier
from services.intake.service import Intake
from services.intake.settings import IntakeSettings
from services.intake.surveys import SurveyPages
from services.intake.tables import idempotency
from services.intake.tickets import Tickets
from services.intake.wording import WORDING
from services.runtime.pages.frame import Pages
from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.recurrence import HOUR, every
from services.runtime.role_host import RoleHost, hosted
from services.runtime.role_parts import Part

_TEMPLATES = Path(__file__).with_name("templates")


@asynccontextmanager
async def assemble(settings: IntakeSettings) -> AsyncIterator[Part]:
    """Open intake. It is ready whenever PostgreSQL is: nothing else is needed to register a feedback."""
    async with hosted(Role.INTAKE, settings) as host:
        notifier = relay_notifier(host.database)
        intake = _intake(settings, host, notifier)
        host.run(
            notifier.run,
            partial(intake.promises.follow, settings.promises_poll_seconds),
            every(HOUR, intake.idempotency.sweep),
        )
        yield Part(
            name=Role.INTAKE,
            routers=[each.router for each in (registration, feedback, customers, audit, links, report, ticket)],
            internal_routers=[internal.router],
            ready=host.ready,
            clients=host.clients,
            state=intake,
        )


@asynccontextmanager
async def assemble_relay(settings: IntakeSettings) -> AsyncIterator[Part]:
    """Open the relay."""
    async with hosted(Role.RELAY, settings) as host:
        relay = Relay(host.database, host.client(settings.tickets_url), poll_seconds=settings.relay_poll_seconds)
        host.run(relay.run)
        yield Part(name=Role.RELAY, ready=host.ready, clients=host.clients, state=relay)


def _intake(settings: IntakeSettings, host: RoleHost, notifier: CommitNotifier) -> Intake:
    database, secret = host.database, settings.link_secret.get_secret_value()
    if not secret:
        raise ValueError("BIHUAN_LINK_SECRET is empty: links that customers get would be anybody's to make")
    promises = PromisesCopy(database, settings.policy_pack)
    identity_secret = _key(secret, "customer identities")
    zone, links = ZoneInfo(settings.time_zone), TicketLinks(settings.public_url, secret)
    writer = FeedbackWriter(database, promises, zone=zone, secret=identity_secret)
    registrar = Registrar(database, writer, links, filed=notifier.announce)
    return Intake(
        database=database,
        idempotency=Idempotency(database, idempotency, _key(secret, "bodies").hex()),
        registrar=registrar,
        promises=promises,
        tickets=Tickets(host.client(settings.tickets_url)),
        surveys=SurveyPages(host.client(settings.survey_url)),
        links=links,
        pages=Pages(_TEMPLATES, WORDING, settings),
        zone=zone,
        link_lifetime=timedelta(days=settings.ticket_link_days),
        lookups_per_hour=settings.contact_lookups_per_hour,
        identity_secret=identity_secret,
    )


def _key(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)
