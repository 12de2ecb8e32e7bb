"""A question that a callback left open becomes a consultation of the same customer (product.md 5, D3)."""

from collections.abc import Mapping

from services.contracts.feedback import OpenQuestion, Product, stored_customer
from services.contracts.vocabulary import CallbackChannel, Category, Channel, Kind
from services.intake.customers import contacts
from services.intake.feedback.origins import Origin
from services.intake.feedback.queries import arrival
from services.intake.feedback.registrar import Registrar
from services.intake.schemas import FollowUp
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import KeyedRequest

_CALLER = "service:follow-ups"
_CHANNELS: Mapping[CallbackChannel, Channel] = {
    CallbackChannel.EMAIL: Channel.EMAIL,
    CallbackChannel.WECHAT: Channel.WECHAT,
    CallbackChannel.CHAT: Channel.CHAT,
}
"""Every other callback is spoken, or answered by it."""
_OF_A_CUSTOMER = ("name", "phone", "email", "wechat_open_id", "customer_no", "tier")


async def follow_up(database: Database, registrar: Registrar, ticket_no: str, asked: OpenQuestion) -> str:
    """Register the question and answer its ticket number; a repeat of the command gets the first one.

    Who asks is the customer of the ticket, with the contacts that the ticket has.

    Raises:
        NotFound: there is no such feedback.
        Unavailable: whether it was registered is unknown.
    """
    async with database.read() as connection:
        first = await arrival(connection, ticket_no)
        asking = (await contacts.on_tickets(connection, {ticket_no}))[ticket_no]
    known = {name: getattr(asking, name) for name in _OF_A_CUSTOMER if name not in asking.unusable}
    sender = stored_customer({name: value for name, value in known.items() if value})
    content = first["content"]
    question = FollowUp(
        channel=_CHANNELS.get(asked.channel, Channel.PHONE),
        language=content["language"],
        customer=sender,
        product=Product.model_validate(content.get("product", {})),
        service_stage=content["service_stage"],
        kind=Kind.CONSULTATION,
        category=Category.USAGE_QUESTION,
        description=asked.question,
        follows=ticket_no,
        response_target=asked.response_target,
    )
    command = KeyedRequest(_CALLER, asked.command_id, lambda: asked.command_id)
    origin = Origin(command, vouches=first["vouched"], customer_id=first["customer_id"])
    receipt = await registrar.register(question, origin)
    return receipt.registered.ticket_no
