"""Promises in force when a preview was computed: what was previewed is what is published (semantics.md 19)."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.console.forms import fingerprints
from services.console.service import Page

Item = Mapping[str, Any]


async def read(page: Page, kind: str, identifier: str) -> str:
    """Fingerprint what stands beside a policy or calendar that may be published, as a form carries it."""
    policies, calendars = await page.desk.items("/v1/policies"), await page.desk.items("/v1/calendars")
    return fingerprint({"policies": policies, "calendars": calendars}, kind, identifier)


def fingerprint(lists: Mapping[str, Sequence[Item]], kind: str, identifier: str) -> str:
    """Every published version in the order in which policies are tried, but for the one that is published: the second
    click on its form finds it published already."""
    standing = [
        (each_kind, each["id"], each["published_version"], bool(each.get("retired_at")))
        for each_kind, items in lists.items()
        for each in items
        if (each_kind, each["id"]) != (kind, identifier) and each["published_version"] is not None
    ]
    return fingerprints.fingerprint(standing)
