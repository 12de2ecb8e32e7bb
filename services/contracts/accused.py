"""The person or thing that a complaint names, in the words of customers (product.md 2)."""

import re


def is_about(about: str, names: set[str | None]) -> bool:
    """Whether what a complaint is about names a person: customers write 「维修部李雷」 as well as 「李雷」."""
    said = about.strip().casefold()
    return any(_is_said(name.strip().casefold(), said) for name in names if name)


def _is_said(name: str, said: str) -> bool:
    if len(name) <= 1:  # one character is in too many other words
        return name == said
    if not name.isascii():
        return name in said
    return re.search(rf"(?<![0-9a-z]){re.escape(name)}(?![0-9a-z])", said) is not None
