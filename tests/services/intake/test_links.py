"""Customers' links: for one ticket, guessed by nobody, revoked by the next generation (invariant I13)."""

from collections.abc import Callable

import pytest

from services.intake.links.tokens import OpenedLink, TicketLinks
from services.survey.links import SurveyLinks, token_in

LINKS = TicketLinks("http://bihuan.example", "secret")


def test_a_link_can_be_made_again() -> None:
    assert LINKS.to("20240520001", 1) == TicketLinks("http://bihuan.example", "secret").to("20240520001", 1)


def test_each_ticket_generation_and_secret_has_a_signature_of_its_own() -> None:
    other = TicketLinks("http://bihuan.example", "another secret")
    links = [LINKS.to("20240520001", 1), LINKS.to("20240520002", 1), LINKS.to("20240520001", 2),
             other.to("20240520001", 1)]  # fmt: skip
    signatures = {link.rpartition(".")[2] for link in links}
    assert len(signatures) == 4
    assert all(len(signature) == 43 for signature in signatures)


def test_a_token_opens_what_it_was_made_for() -> None:
    assert LINKS.opened(LINKS.token("20240520001", 3)) == OpenedLink("20240520001", 3)
    assert LINKS.to("20240520001", 3).endswith("/t/" + LINKS.token("20240520001", 3))


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:0],
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.replace("20240520001", "20240520002"),
        lambda token: token.replace(".1.", ".2."),
        lambda token: token.replace(".1.", ".01."),
        lambda token: token.replace(".1.", ".١."),
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: token.upper(),
        lambda token: token.replace("20240520001", "9" * 3000),
        lambda token: token.rpartition(".")[0] + TicketLinks("", "another").token("20240520001", 1)[-44:],
    ],
)  # fmt: skip
def test_a_token_with_anything_changed_opens_nothing(change: Callable[[str], str]) -> None:
    assert LINKS.opened(change(LINKS.token("20240520001", 1))) is None


@pytest.mark.parametrize(
    "tail", [".", "。", ")", "）", ",", "，", "!", "？", ">", "》", "”", "'", "/", "-", "_", "…", "\n", " 请看", "看看"]
)
def test_punctuation_that_a_chat_program_adds_to_a_link_is_no_part_of_it(tail: str) -> None:
    assert LINKS.opened(LINKS.token("20240520001", 3) + tail) == OpenedLink("20240520001", 3)
    assert LINKS.opened(LINKS.token("20240520001", 3, 17) + tail) == OpenedLink("20240520001", 3, 17)
    token = SurveyLinks("http://bihuan.example", "secret").token("srv_1", "nonce")
    assert token_in(token + tail) == token


@pytest.mark.parametrize("tail", ["A", "9", "z."])
def test_a_longer_token_is_another_one(tail: str) -> None:
    assert LINKS.opened(LINKS.token("20240520001", 3) + tail) is None
    assert token_in("A" * 43 + tail) is None


def test_a_link_that_was_handed_over_is_another_one_and_says_which_line_of_the_audit_log_it_is() -> None:
    assert LINKS.opened(LINKS.token("20240520001", 1, 17)) == OpenedLink("20240520001", 1, 17)
    own, handed = LINKS.token("20240520001", 1), LINKS.token("20240520001", 1, 17)
    assert LINKS.opened(handed.replace(".h17.", ".h18.")) is None
    assert LINKS.opened(handed.replace(".h17.", ".")) is None
    assert LINKS.opened(own.replace(".1.", ".1.h17.")) is None
