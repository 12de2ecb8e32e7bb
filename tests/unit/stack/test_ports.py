"""Ports: the one that was asked for or a sentence, and free ones for the rest."""

import socket

import pytest

from services.runtime.stack.errors import StackError
from services.runtime.stack.ports import claim_port, free_port

LOOPBACK = "127.0.0.1"


def test_a_taken_port_is_refused_by_the_name_of_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        with pytest.raises(StackError, match="BIHUAN_PORT"):
            claim_port(LOOPBACK, str(taken.getsockname()[1]))


@pytest.mark.parametrize("text", ["", "many", "-1", "65536", "8080.0", "８０８０"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(StackError, match="BIHUAN_PORT"):
        claim_port(LOOPBACK, text)


def test_port_0_takes_any() -> None:
    assert claim_port(LOOPBACK, "0") > 0


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, free_port()))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StackError, match="BIHUAN_HOST"):
        claim_port("192.0.2.1", "8080")
