"""The state that an administrator's form was drawn from, where the API keeps no version of it: a change is made to what
its page showed, and overwrites nobody (product.md 3)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def fingerprint(drawn_from: object) -> str:
    """As a form carries it."""
    written = json.dumps(drawn_from, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def is_outdated(carried: str, present: object) -> bool:
    """Whether the thing is no longer what the form was drawn from; a form that carries nothing means it as it is."""
    return bool(carried) and carried != fingerprint(present)


def says_already(present: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
    """Whether a change says nothing but what is so: the second click on its button finds it done."""
    return all(name in present and present[name] == value for name, value in change.items())
