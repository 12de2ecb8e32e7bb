"""Intake's own object: what its endpoints work with, and what their callers may."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from services.contracts.names import Role
from services.intake.feedback.promises_copy import PromisesCopy
from services.intake.feedback.registrar import Registrar
from services.intake.links.tokens import TicketLinks
from services.intake.surveys import SurveyPages
from services.intake.tickets import Tickets
from services.runtime.pages.frame import Pages
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_parts import service_of


@dataclass(frozen=True)
class Intake:
    """Resources that the endpoints share in one process. A customer's link ends `link_lifetime` after their
    ticket was closed."""

    database: Database
    idempotency: Idempotency
    registrar: Registrar
    promises: PromisesCopy
    tickets: Tickets
    surveys: SurveyPages
    links: TicketLinks
    pages: Pages
    zone: ZoneInfo
    link_lifetime: timedelta
    lookups_per_hour: int
    identity_secret: bytes


IntakeDep = Annotated[Intake, service_of(Role.INTAKE)]
