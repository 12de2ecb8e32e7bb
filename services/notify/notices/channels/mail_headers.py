"""Header lines of a mail, as they go over the wire.

Python's header classes read what they are given as if it came from a mail: an encoded word (RFC 2047) that somebody
typed is decoded, line ends and all. So nothing that was typed is ever handed to them: it is encoded here, and stays
text.
"""

import unicodedata
from email.header import Header
from email.utils import quote

from services.contracts.lines import one_line

_LONGEST_NAME = 120
_LONGEST_LINE = 76
_LONGEST_LOCAL, _LONGEST_DOMAIN = 64, 253
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_BESIDE_LETTERS = frozenset("!#$%&'*+-/=?^_`{|}~.")
"""What an unquoted address may hold besides letters and digits (RFC 5321)."""
_OF_A_DOMAIN = _LETTERS | frozenset("-.")
_ENCODED_WORD = "=?"


def text(name: str, value: str) -> str:
    """A header that holds a text, folded; what looks like an encoded word is encoded itself.

    Raises:
        UnicodeError: no mail can carry it.
    """
    line = one_line(value)
    plain = line.isascii() and _ENCODED_WORD not in line
    return Header(line, "us-ascii" if plain else "utf-8", _LONGEST_LINE, name).encode(linesep="\r\n")


def mailbox(name: str, display_name: str | None, address: str) -> str:
    """A header that holds one address and who it belongs to.

    Raises:
        ValueError: it is no address.
    """
    shown = one_line(one_line(display_name or "")[:_LONGEST_NAME])
    if not shown:
        return address
    plain = shown.isascii() and _ENCODED_WORD not in shown
    phrase = f'"{quote(shown)}"' if plain else text(name, shown)
    between = " " if len(f"{name}: {phrase} <{address}>") <= _LONGEST_LINE else "\r\n "
    return f"{phrase}{between}<{address}>"


def address_of(typed: str) -> str:
    """An address as mail carries it: the domain in ASCII, the part before it in any script (RFC 6531).

    Raises:
        ValueError: it is no address.
    """
    local, _, domain = typed.rpartition("@")
    domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    if not _is_local(local) or not _is_domain(domain):
        raise ValueError("no address")
    return f"{local}@{domain}"


def _is_local(local: str) -> bool:
    if not local or len(local) > _LONGEST_LOCAL or ".." in local or local[0] == "." or local[-1] == ".":
        return False
    return all(letter in _LETTERS or letter in _BESIDE_LETTERS or _is_beyond_ascii(letter) for letter in local)


def _is_beyond_ascii(letter: str) -> bool:
    """Letters, digits and signs of any script, those younger than this Python included; nothing that is not seen."""
    return not letter.isascii() and not letter.isspace() and (one_line(letter) == letter or _is_mark(letter))


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "M"


def _is_domain(domain: str) -> bool:
    parts = domain.split(".")
    return 0 < len(domain) <= _LONGEST_DOMAIN and all(parts) and all(letter in _OF_A_DOMAIN for letter in domain)
