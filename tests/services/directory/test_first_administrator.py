"""The first administrator of a system that `make up` did not start."""

import httpx
import pytest

from services.commands import first_administrator
from services.runtime.errors import Refusal
from tests.services.directory.harness import SECRET, DirectoryHarness
from tests.services.in_process_client import InsidePeer


def peer_of(harness: DirectoryHarness, secret: str = SECRET) -> InsidePeer:
    """The directory as the command reaches it."""
    transport = harness.internal._transport
    assert isinstance(transport, httpx.ASGITransport)
    return InsidePeer(transport, secret)


async def test_the_password_and_the_key_that_were_printed_open_the_door(bare: DirectoryHarness) -> None:
    made = await first_administrator.make(peer_of(bare))
    assert made is not None
    password, key = made
    signed_in = await bare.public.post("/v1/token", json={"username": "admin", "password": password})
    assert signed_in.status_code == 200
    me = await bare.public.get("/v1/me", headers={"Authorization": f"Bearer {key}"})
    assert (me.status_code, me.json()["name"]) == (200, "admin")


async def test_where_there_is_staff_nobody_is_made(harness: DirectoryHarness) -> None:
    assert await first_administrator.make(peer_of(harness)) is None
    assert len((await harness.call("GET", "/v1/staff")).json()["items"]) == 1


async def test_without_the_secret_nobody_is_made(bare: DirectoryHarness) -> None:
    with pytest.raises(Refusal):
        await first_administrator.make(peer_of(bare, "guessed"))
