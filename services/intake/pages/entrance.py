"""From the link in a customer's hand to their ticket."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import RowMapping

from services.contracts.customer import CustomerTicket
from services.contracts.feedback import CustomerAsk, CustomerQuestion, CustomerView
from services.contracts.vocabulary import ClockName
from services.intake.customers import contacts
from services.intake.feedback.queries import arrival
from services.intake.feedback.writer import PROMISES
from services.intake.service import Intake
from services.runtime.errors import NotFound
from services.runtime.telemetry import request_id


@dataclass(frozen=True)
class OpenedTicket:
    """A ticket by its link: what intake keeps of it. The rest is the workflow service's to tell. `token` is what was
    signed, without what a chat program put behind it."""

    token: str
    row: RowMapping
    hand_over: int | None = None
    """Where the audit log says who of the staff was given this link, if anybody was."""

    @property
    def path(self) -> str:
        """The address of the ticket's page."""
        return f"/t/{self.token}"

    @property
    def ticket_no(self) -> str:
        """The ticket's number."""
        return str(self.row["ticket_no"])

    @property
    def language(self) -> str:
        """The language in which the customer wrote."""
        return str(self.row["content"]["language"])

    @property
    def description(self) -> str:
        """The customer's text."""
        return str(self.row["content"]["description"])

    @property
    def promised(self) -> dict[str, datetime]:
        """The instants that the customer was promised on arrival, by clock."""
        due = {promise.clock: promise.due_at for promise in PROMISES.validate_python(self.row["promises"])}
        told = {"accept_by": ClockName.ACCEPTANCE, "respond_by": ClockName.RESPONSE}
        return {name: due[clock] for name, clock in told.items() if clock in due}


async def open_ticket(intake: Intake, token: str) -> OpenedTicket:
    """Open the ticket of a token. Costs no query for a token that nobody here made.

    Raises:
        NotFound: forged, revoked, or of no ticket; nothing tells which.
    """
    opened = intake.links.opened(token)
    if opened is None:
        raise NotFound
    async with intake.database.read() as connection:
        row = await arrival(connection, opened.ticket_no)
    if row["link_generation"] != opened.generation:
        raise NotFound
    return OpenedTicket(intake.links.token(*opened), row, opened.hand_over)


async def told(intake: Intake, opened: OpenedTicket) -> CustomerTicket:
    """The ticket as it is now.

    Raises:
        NotFound: the link has ended.
        Unavailable: the workflow service does not answer.
    """
    ticket = await intake.tickets.customer_ticket(opened.ticket_no)
    ended_at = ticket.kept.closed_at if ticket.kept else ticket.closed_at
    if ended_at is not None and datetime.now(UTC) > ended_at + intake.link_lifetime:
        raise NotFound
    return ticket


async def shortened_contact(intake: Intake, ticket: CustomerTicket) -> CustomerView:
    """The customer as they are shown on a page that is protected by its address alone."""
    ask = CustomerAsk(ticket_no=ticket.ticket_no, customer_id=ticket.customer_id)
    question = CustomerQuestion(
        reader_kind="customer", reader_id=ticket.customer_id, request_id=request_id.get(), asks=(ask,)
    )
    return (await contacts.show(intake.database, question))[0]


async def kept_ticket(intake: Intake, opened: OpenedTicket, ticket: CustomerTicket) -> str | None:
    """The token of the ticket that this one was merged into, if it is the same customer's. Whose customer nobody
    vouched for may be somebody else, and gets no link of theirs."""
    if ticket.merged_into is None or not opened.row["vouched"]:
        return None
    async with intake.database.read() as connection:
        row = await arrival(connection, ticket.merged_into)
    if row["customer_id"] != ticket.customer_id:
        return None
    return intake.links.token(ticket.merged_into, row["link_generation"])
