"""Customers' links: for one ticket, guessed by nobody, revoked by the next generation (invariant I13)."""

from services.intake.links import TicketLinks

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
