"""`python -m services.run reconcile`: every open ticket has its workflow, or is given one."""

import asyncio
import json
from typing import Any

import typer

from services.commands.local.machine import local_home
from services.commands.local.terminal import complain, tell
from services.contracts.names import Role
from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient
from services.runtime.settings import RuntimeSettings, load
from services.runtime.stack import settings as stack_settings

_SHOWN = 20


def command() -> None:
    """Compare tickets and workflows of a running system; start again what the engine has lost, report what it has over.

    Asks the local stack of BIHUAN_HOME, else BIHUAN_TICKETS_URL with BIHUAN_INTERNAL_SECRET.
    """
    try:
        found = asyncio.run(_ask())
    except Refusal as error:
        complain(f"The workflow service or its engine does not answer ({error.code}).")
        raise typer.Exit(1) from None
    tell(f"{found['open_tickets']} open tickets, {len(found['missing'])} without a workflow: started again.")
    if found["unknown"]:
        complain(f"{len(found['unknown'])} workflows without a ticket, parked: {', '.join(found['unknown'][:_SHOWN])}")
        raise typer.Exit(2)


async def _ask() -> dict[str, Any]:
    peer = _peer()
    try:
        found: dict[str, Any] = await peer.post("/internal/reconcile")
    finally:
        await peer.close()
    return found


def _peer() -> ServiceClient:
    """The workflow service of the local stack while that runs, else the one that the environment names."""
    home = local_home(stack_settings.read())
    settings = load(RuntimeSettings)
    if not home.endpoints.exists() or settings.internal_secret.get_secret_value():
        return ServiceClient(settings.tickets_url, settings.internal_secret.get_secret_value())
    processes = json.loads(home.endpoints.read_text())["processes"]
    address = next(process["internal_address"] for process in processes if Role.TICKETS in process.get("roles", ()))
    return ServiceClient(address, home.secret("internal"))
