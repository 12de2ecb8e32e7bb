"""A server whose port is taken waits for it a little, then says so in a sentence."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from services.runtime.http import server
from services.runtime.http.app import create_app
from services.runtime.http.server import PortTaken, Server, build_server
from services.runtime.settings import RuntimeSettings
from tests.services.system import until


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def at(taken: socket.socket, settings: RuntimeSettings) -> Server:
    """A server that wants that port."""
    app: FastAPI = create_app("late", settings=settings, authenticator=None)
    return build_server(app, host="127.0.0.1", port=taken.getsockname()[1], settings=settings)


async def test_a_port_that_is_given_up_in_time_is_bound(taken: socket.socket, settings: RuntimeSettings) -> None:
    waiting = at(taken, settings)
    serving = asyncio.create_task(waiting.serve())
    await asyncio.sleep(0)
    assert not waiting.started
    port = taken.getsockname()[1]
    taken.close()

    async def started() -> bool:
        return waiting.started

    await until(started)
    assert waiting.port == port
    waiting.should_exit = True
    await serving


async def test_a_port_that_stays_taken_is_named(
    taken: socket.socket, settings: RuntimeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BIND_SECONDS", 0.2)
    with pytest.raises(PortTaken, match=f"Port {taken.getsockname()[1]} of 127.0.0.1 is taken"):
        await at(taken, settings).serve()


async def test_servers_that_share_their_port_listen_side_by_side(settings: RuntimeSettings) -> None:
    app: FastAPI = create_app("shared", settings=settings, authenticator=None)
    first = build_server(app, host="127.0.0.1", port=0, settings=settings, port_shared=True)
    serving = [asyncio.create_task(first.serve())]

    async def both_started() -> bool:
        return all(each.started for each in servers)

    servers = [first]
    await until(both_started)
    servers += [build_server(app, host="127.0.0.1", port=first.port, settings=settings, port_shared=True)]
    serving += [asyncio.create_task(servers[1].serve())]
    await until(both_started)
    assert servers[1].port == first.port
    for each in servers:
        each.should_exit = True
    await asyncio.gather(*serving)


async def test_an_address_that_this_machine_does_not_have_is_not_waited_for(settings: RuntimeSettings) -> None:
    elsewhere = build_server(
        create_app("nowhere", settings=settings, authenticator=None), host="192.0.2.1", port=0, settings=settings
    )
    with pytest.raises(OSError, match="assign requested address"):
        await elsewhere.serve()
