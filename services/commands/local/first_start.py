"""The first administrator, the demonstration tickets, and how to sign in."""

import secrets

import httpx

from services.commands.local import demo
from services.commands.local.machine import Machine
from services.commands.local.terminal import tell
from services.runtime.stack.errors import StackError
from services.runtime.stack.home import write_private

ADMINISTRATOR = "admin"


async def bootstrap(machine: Machine) -> bool:
    """Make the first administrator and the key in `admin.key`; false when the database has its staff already.

    The files are written first, so that a start cut short between the two finds the key that it handed out.
    """
    key_file, password_file = machine.home.path / "admin.key", machine.home.path / "admin.password"
    had_key = key_file.exists()
    if not had_key:
        write_private(password_file, secrets.token_urlsafe(18))
        write_private(key_file, f"bh_{secrets.token_urlsafe(32)}")
    key, password = key_file.read_text().strip(), password_file.read_text().strip()
    body = {"username": ADMINISTRATOR, "password": password, "key": key}
    authorization = {"Authorization": f"Bearer {machine.home.secret('internal')}"}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(f"{machine.addresses.web}/internal/bootstrap", json=body, headers=authorization)
        if not answer.is_success:
            raise StackError(f"The first administrator could not be made: {answer.text[:200]}")
        if answer.json()["created"]:
            return True
        known = await client.get(f"{machine.addresses.url}/v1/me", headers={"Authorization": f"Bearer {key}"})
    if known.status_code == httpx.codes.UNAUTHORIZED and not had_key:
        key_file.unlink()
        password_file.unlink()
        tell("This database has its staff already: sign in with an account or a key from there.")
    return False


async def load_demo(machine: Machine) -> None:
    """Play the demonstration through the public API; what it cannot do it says, and the start goes on."""
    key = (machine.home.path / "admin.key").read_text().strip()
    try:
        await demo.play(machine.addresses.url, key)
    except httpx.HTTPError as error:
        tell(f"The demonstration tickets are incomplete: {error}")


def greeting(machine: Machine) -> list[str]:
    """The address, and how to sign in."""
    home = machine.home.path
    lines = ["", f"Bihuan is ready: {machine.addresses.url} (the API explained: {machine.addresses.url}/docs)"]
    if (home / "admin.key").exists():
        lines += [
            f"Sign in as {ADMINISTRATOR}; the password is in {home / 'admin.password'}",
            f"API key with every scope: {home / 'admin.key'}",
        ]
    return [*lines, "Ctrl-C stops everything in order.", ""]
