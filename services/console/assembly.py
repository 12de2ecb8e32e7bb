"""The console of a process, opened and closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.console.pages import (
    account,
    alerts,
    board,
    calendar_editor,
    calendars,
    customer_links,
    departments,
    inbox,
    keys,
    ladders,
    new_ticket,
    on_call,
    packs,
    people,
    policies,
    policy_editor,
    publications,
    quiet_hours,
    report,
    search,
    sign_in,
    texts,
    ticket,
    webhooks,
)
from services.console.public_api.client import Api
from services.console.rendering import static_files
from services.console.searches import PURPOSE, Searches
from services.console.service import Console
from services.console.settings import ConsoleSettings
from services.console.shell.routes import refuse
from services.contracts.names import Role
from services.runtime.role_parts import Part
from services.runtime.security.sealing import Seal


@asynccontextmanager
async def assemble(settings: ConsoleSettings) -> AsyncIterator[Part]:
    """Open the connections to the public API; the console owns nothing else, so it is ready at once."""
    api = Api(settings.api_base, is_own=settings.is_api_own)
    # The first route that matches answers: `/tickets/new` comes before `/tickets/{ticket_no}`, lists before entries.
    pages = [sign_in, account, board, search, new_ticket, ticket, customer_links, alerts, report, inbox, texts]
    pages += [departments, on_call, people, webhooks, keys]
    pages += [policies, policy_editor, packs, publications, calendars, calendar_editor, ladders, quiet_hours]
    try:
        yield Part(
            name=Role.CONSOLE,
            routers=[static_files.router, *(page.router for page in pages)],
            state=Console(settings, api, Searches(Seal(settings.link_secret.get_secret_value(), PURPOSE))),
            refuse=refuse,
        )
    finally:
        await api.close()
