"""Addresses that webhooks may reach: nowhere inside the house, unless its networks are allowed, whatever a name
says."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from services.notify.networks import parse_networks
from services.notify.settings import NotifySettings
from services.notify.webhooks.addresses import GuardedResolver, RefusedAddress, is_allowed
from services.notify.webhooks.receivers import checked
from services.notify.webhooks.request import SendError, WebhookSender
from services.runtime.errors import ValidationFailed
from tests.services.notify.webhook_harness import LOOPBACK
from tests.services.notify.webhook_receiver import receiving

INSIDE = (
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "255.255.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "168.63.129.16", "192.0.0.192", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254",
    "fec0::1", "ff02::1", "ff0e::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1",
)  # fmt: skip
OUTSIDE = (
    "8.8.8.8",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "2606:4700::1111",
    "64:ff9b::808:808",
)
ANY = "0.0.0.0"  # noqa: S104 - nothing is bound to it


@pytest.mark.parametrize("address", [*INSIDE, ANY])
def test_an_address_inside_is_refused(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), ())


def test_the_list_of_networks_allows_what_lies_in_them_and_nothing_beside() -> None:
    networks = parse_networks("10.1.0.0/16, fd12::/48")
    assert is_allowed(ip_address("10.1.255.255"), networks)
    assert is_allowed(ip_address("::ffff:10.1.0.1"), networks)
    assert is_allowed(ip_address("fd12::1"), networks)
    assert not is_allowed(ip_address("10.2.0.0"), networks)
    assert not is_allowed(ip_address("10.0.255.255"), networks)


@pytest.mark.parametrize("networks", ["10.1.0.1/16", "example.com", "10.0.0.0/33"])
def test_a_list_that_cannot_be_read_stops_the_process(networks: str) -> None:
    with pytest.raises(ValueError, match="webhook_networks"):
        NotifySettings(webhook_networks=networks)


def names(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> None:
    """Let every name resolve to these addresses, look-up by look-up: the one thing of the network that is not real."""
    rest = list(answers)

    def look_up(_host: str, port: int, *_: object, **__: object) -> list[object]:
        found = rest.pop(0) if len(rest) > 1 else rest[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


async def test_a_name_that_points_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["10.0.0.1"])
    with pytest.raises(RefusedAddress):
        await GuardedResolver(()).resolve("inside.example", 443)


async def test_of_a_name_with_several_addresses_only_those_outside_are_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names(monkeypatch, ["10.0.0.1", "8.8.8.8"])
    found = await GuardedResolver(()).resolve("both.example", 443)
    assert [each["host"] for each in found] == ["8.8.8.8"]


async def test_a_name_that_moves_inside_after_it_was_entered_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with receiving() as receiver:
        url = f"http://moving.example:{receiver.port}/hooks"
        names(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
        assert await checked(url, GuardedResolver(())) == url
        sender = WebhookSender((), 2.0)
        reply = await sender.send(url, "{}", {})
        await sender.close()
        assert receiver.received == []
    assert (reply.status, reply.error) == (None, SendError.REFUSED_ADDRESS)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0x7f.0.0.1", ANY])
async def test_every_spelling_of_this_machine_is_refused_at_the_delivery(host: str) -> None:
    async with receiving() as receiver:
        sender = WebhookSender((), 2.0)
        reply = await sender.send(f"http://{host}:{receiver.port}/", "{}", {})
        await sender.close()
        assert receiver.received == []
    assert reply.error is SendError.REFUSED_ADDRESS


@pytest.mark.parametrize("host", ["2130706433", "127.1", "017700000001"])
async def test_numbers_that_some_programs_take_for_an_address_reach_nothing(host: str) -> None:
    async with receiving() as receiver:
        sender = WebhookSender((), 2.0)
        reply = await sender.send(f"http://{host}:{receiver.port}/", "{}", {})
        await sender.close()
        assert receiver.received == []
    assert reply.error is not None


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as receiver, receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        sender = WebhookSender(parse_networks(LOOPBACK), 2.0)
        assert (await sender.send(receiver.url, "{}", {})).error is None
        await sender.close()
        assert proxy.received == []


async def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to() -> None:
    async with receiving(tls=True) as receiver:
        sender = WebhookSender(parse_networks(LOOPBACK), 2.0)
        reply = await sender.send(receiver.url, "{}", {})
        await sender.close()
        assert receiver.received == []
    assert reply.error is SendError.TLS


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://10.0.0.1/hooks", "refused_address"),
        ("https://[::1]/hooks", "refused_address"),
        ("http://localhost/hooks", "refused_address"),
        ("ftp://example.com/", "invalid_url"),
        ("https://", "invalid_url"),
        ("example.com/hooks", "invalid_url"),
        ("https://li:secret@8.8.8.8/", "invalid_url"),
        ("https://8.8.8.8/#part", "invalid_url"),
        ("https://8.8.8.8:99999/", "invalid_url"),
        ("javascript:alert(1)", "invalid_url"),
        ("https://\ud800.example/", "invalid_url"),
        ("http://exa mple/", "invalid_url"),
        (f"http://{'a' * 64}.example/", "invalid_url"),
        ("http://例子..example/", "invalid_url"),
    ],
)
async def test_an_address_that_cannot_be_called_is_refused_when_it_is_entered(url: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        await checked(url, GuardedResolver(()))
    assert [(each["pointer"], each["code"]) for each in refusal.value.errors] == [("/url", code)]


def without_answer(monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    """Let every look-up end like this."""

    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(error, "")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


async def test_a_name_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    without_answer(monkeypatch, socket.EAI_NONAME)
    with pytest.raises(ValidationFailed) as refusal:
        await checked("https://nobody.example/", GuardedResolver(()))
    assert refusal.value.errors[0]["code"] == "unknown_host"


async def test_a_name_server_that_does_not_say_keeps_nobody_from_entering_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_answer(monkeypatch, socket.EAI_AGAIN)
    assert await checked("https://later.example/", GuardedResolver(())) == "https://later.example/"


async def test_a_public_address_may_be_entered() -> None:
    assert await checked("https://8.8.8.8/hooks?token=1", GuardedResolver(())) == "https://8.8.8.8/hooks?token=1"
