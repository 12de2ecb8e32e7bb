"""The language of a reader: what `Accept-Language` states."""

import re
from typing import Literal

Spoken = Literal["en", "zh"]


def stated_language(accept_language: str | None) -> Spoken | None:
    """Choose Chinese or English by the weights of `Accept-Language`; None when it names neither."""
    best: tuple[float, Spoken | None] = (0.0, None)
    for choice in (accept_language or "").lower().split(",")[:20]:
        tag, _, weight = choice.strip().partition(";")
        quality = _quality(weight)
        if tag[:2] in {"zh", "en"} and quality > best[0]:
            best = (quality, "zh" if tag.startswith("zh") else "en")
    return best[1]


def _quality(weight: str) -> float:
    found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", weight)
    return float(found[1]) if found else 1.0
