"""`python -m services.run first-administrator`: who opens the door of a system in which there is nobody yet."""

import asyncio
import secrets

import typer

from services.commands.local.terminal import complain, tell
from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient
from services.runtime.settings import RuntimeSettings, load

USERNAME = "admin"


def command() -> None:
    """Make the first administrator and a key with every scope, and print both, once; `make up` does this by itself.

    Asks BIHUAN_DIRECTORY_URL with BIHUAN_INTERNAL_SECRET.
    """
    settings = load(RuntimeSettings)
    peer = ServiceClient(settings.directory_url, settings.internal_secret.get_secret_value())
    try:
        made = asyncio.run(make(peer))
    except Refusal as error:
        complain(f"The directory does not answer, or not to this secret ({error.code}).")
        raise typer.Exit(1) from None
    if made is None:
        complain("There is staff already: sign in with one of its accounts.")
        raise typer.Exit(2)
    password, key = made
    tell(f"Sign in as {USERNAME} with the password {password}, and change it.")
    tell(f"API key with every scope: {key}")


async def make(peer: ServiceClient) -> tuple[str, str] | None:
    """Answer password and key of the administrator that was made; None when there is staff already.

    Raises:
        Refusal: the directory does not answer, or not to this secret.
    """
    password, key = secrets.token_urlsafe(18), f"bh_{secrets.token_urlsafe(32)}"
    try:
        body = {"username": USERNAME, "password": password, "key": key}
        answer = await peer.post("/internal/bootstrap", body)
    finally:
        await peer.close()
    return (password, key) if answer["created"] else None
