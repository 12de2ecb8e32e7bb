"""The workflow service put together: what its endpoints work with."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from services.access.directory_copy import DirectoryCopy
from services.contracts.base import Message
from services.contracts.names import Role
from services.contracts.permissions import Action, may
from services.contracts.vocabulary import CommandName
from services.runtime.errors import Refusal
from services.runtime.http.conditions import IfMatch
from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_host import RoleHost
from services.runtime.role_parts import service_of
from services.runtime.security.auth import Caller
from services.runtime.telemetry import request_id
from services.workflow.client import TicketEngine
from services.workflow.commands.callbacks import Callbacks
from services.workflow.commands.commands import Admission, Commands, Taken
from services.workflow.commands.delivery import Door
from services.workflow.commands.first_answers import FirstAnswers
from services.workflow.commands.joins import Joins
from services.workflow.commands.preparation import Preparation
from services.workflow.commands.remarks import Remarks
from services.workflow.journal.arrivals import Arrivals
from services.workflow.journal.feed import Feed, feed_notifier
from services.workflow.journal.registration import Registrations
from services.workflow.policies.calendar_store import CalendarRegister
from services.workflow.policies.calendars import CalendarKeeping
from services.workflow.policies.catalogue import Catalogue
from services.workflow.policies.linting import Owners, PolicyLinting
from services.workflow.policies.policies import Policies
from services.workflow.policies.policy_store import PolicyRegister
from services.workflow.policies.push_to_intake import Promising
from services.workflow.publications.previews import Previews
from services.workflow.publications.proposals import Proposals
from services.workflow.publications.publications import Publications
from services.workflow.reconciliation import Reconciler
from services.workflow.settings import WorkflowSettings
from services.workflow.tables import idempotency
from services.workflow.views.customer_reach import CustomerReach
from services.workflow.views.filters import TicketFilters, matching
from services.workflow.views.known_tickets import KnownTickets
from services.workflow.views.presenter import Showing
from services.workflow.views.queries import MOST_COUNTED, Queries
from services.workflow.views.work_lists import parameters, work_lists
from services.workflow.wake_channels import STARTER_CHANNEL

_GATHERED_SECONDS = 0.02


class TicketService:
    """One per process."""

    def __init__(self, settings: WorkflowSettings, host: RoleHost, engine: TicketEngine) -> None:
        database = host.database
        intake, notify = host.client(settings.intake_url), host.client(settings.notify_url)
        self._zone = ZoneInfo(settings.time_zone)
        self.intake = intake
        self.people = DirectoryCopy(host.client(settings.directory_url))
        self.queries = Queries(database, self.people.left)
        self.catalogue = Catalogue(database, settings.policy_pack)
        self.promising = Promising(self.catalogue, intake)
        register = PolicyRegister(database)
        owners = Owners(self.people, notify=notify, survey=host.client(settings.survey_url))
        self.policies = Policies(register, PolicyLinting(self.catalogue, register, owners), self.promising)
        self.calendars = CalendarKeeping(CalendarRegister(database), self.catalogue, self.promising)
        self.proposals = Proposals(database, self.catalogue)
        self.previews = Previews(database)
        self.publications = Publications(database)
        self.events = Feed(database, self.people)
        self.notifier = feed_notifier(database)
        self.starting = CommitNotifier(database, STARTER_CHANNEL, gathered_seconds=_GATHERED_SECONDS)
        self.registrations = Registrations(database, self.people, recorded=self._announce_begun)
        self.arrivals = Arrivals(database, self.registrations, intake)
        reach = CustomerReach(notify, intake)
        self.showing = Showing(
            queries=self.queries,
            arrivals=self.arrivals,
            catalogue=self.catalogue,
            intake=intake,
            reach=reach,
            known=KnownTickets(self.queries),
            left=self.people.left,
        )
        self.reconciler = Reconciler(database, engine)
        door = Door(queries=self.queries, engine=engine, reconciler=self.reconciler, settings=settings)
        self.answers = FirstAnswers(database)
        self.commands = Commands(
            database=database,
            queries=self.queries,
            showing=self.showing,
            preparation=Preparation(
                queries=self.queries,
                catalogue=self.catalogue,
                people=self.people,
                registrations=self.registrations,
                intake=intake,
                reach=reach,
                callbacks=Callbacks(catalogue=self.catalogue, intake=intake),
            ),
            engine=engine,
            door=door,
            answers=self.answers,
        )
        self.remarks = Remarks(
            database=database, queries=self.queries, engine=engine, door=door, notifier=self.notifier
        )
        self.joins = Joins(database=database, queries=self.queries, engine=engine, door=door, remarks=self.remarks)
        self.idempotency = Idempotency(database, idempotency, settings.internal_secret.get_secret_value())

    def _announce_begun(self) -> None:
        self.notifier.announce()
        self.starting.announce()

    async def take(self, admission: Admission, body: Message, if_match: IfMatch | None) -> Taken:
        """Carry a command to its durable effect; after a merge the kept ticket is told at once, or else soon."""
        if admission.name is not CommandName.MERGE:
            return await self.commands.take(admission, body, if_match)
        async with self.joins.one_at_a_time():
            taken = await self.commands.take(admission, body, if_match)
        with suppress(Refusal):
            await self.joins.tell(admission.ticket_no)
        return taken

    async def counts(self, caller: Caller) -> list[dict[str, Any]]:
        """The lists that people work from, counted for this caller."""
        lists = work_lists(caller.id, datetime.now(self._zone))
        counted = await self.queries.counts(caller, list(lists.values()))
        return [
            {"view": view, "filters": parameters(filters), "count": count, "more": count == MOST_COUNTED}
            for (view, filters), count in zip(lists.items(), counted, strict=True)
        ]

    async def search(self, caller: Caller, q: str, filters: TicketFilters) -> tuple[list[dict[str, Any]], str | None]:
        """Find tickets. What customers are called, and what they wrote, is searched where the caller may read it: an
        answer that says yes or no tells a phone number digit by digit. A whole contact finds its customer's tickets for
        those who register calls; intake counts, limits and logs it."""
        reader = {"kind": caller.kind, "id": caller.id, "request_id": request_id.get()}
        looked_up_by = reader if may(caller, Action.REGISTER_FEEDBACK) else None
        asked = {"q": q, "contacts": may(caller, Action.READ_CONTACT), "looked_up_by": looked_up_by}
        found = await self.intake.post("/internal/customers/find", asked)
        rows, following = await self.queries.page(caller, filters, matching(q, caller, found))
        return await self.showing.tickets(rows, caller), following


TicketsDep = Annotated[TicketService, service_of(Role.TICKETS)]
