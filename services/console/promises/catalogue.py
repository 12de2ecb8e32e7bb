"""The lists behind the pages about promises: their tabs, and policies with their versions as the API tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from services.console.forms.values import number
from services.console.promises.policies import Reading
from services.console.public_api.client import path
from services.console.public_api.titles import Titles
from services.console.service import Page
from services.contracts.permissions import Action

TABS: Sequence[tuple[str, str, Action]] = (
    ("policies", "/policies", Action.READ_POLICY),
    ("calendars", "/calendars", Action.READ_CALENDAR),
    ("ladders", "/ladders", Action.READ_POLICY),
    ("packs", "/policy-packs", Action.WRITE_POLICY),
    ("publications", "/publications", Action.READ_POLICY),
)
"""Name, address and right of each page; its word is `promises.tab.<name>`."""

Item = Mapping[str, Any]


@dataclass(frozen=True)
class PolicyStanding:
    """A policy in the list: its latest version, and the one that counts; `published` is None for none."""

    policy: Item
    published: int | None

    @property
    def is_draft(self) -> bool:
        """Whether the latest version is not the published one."""
        return bool(self.published != self.policy["version"])

    @property
    def is_retired(self) -> bool:
        """Whether it applies to no new ticket any more."""
        return self.policy["retired_at"] is not None


def tabs(page: Page) -> list[tuple[str, str]]:
    """The pages about promises that this reader may open."""
    return [(name, address) for name, address, needs in TABS if needs in page.reader.allowed]


async def reading(page: Page) -> Reading:
    """Policies in the words of this reader."""
    return Reading(page.words, await page.console.names.directory(page.desk))


async def titles(page: Page) -> Titles:
    """Titles of policies and calendars in this reader's language."""
    return (await page.console.calendars.standing(page.desk, page.now)).titles(page.words.language)


async def standings(page: Page) -> list[PolicyStanding]:
    """Every policy in the order in which they are tried."""
    return [PolicyStanding(each, each["published_version"]) for each in await page.desk.items("/v1/policies")]


async def one(page: Page, kind: str, identifier: str, version: int | None = None) -> Item:
    """One version of a policy, calendar or ladder, the latest by default. Raises `ApiProblem`."""
    found: Item = await page.desk.get(path("v1", kind, identifier), version=version)
    return found


async def latest_and(page: Page, kind: str, identifier: str, version: int | None) -> tuple[Item, Item]:
    """The latest version, and the one asked for, which is the latest by default. Raises `ApiProblem`."""
    latest = await one(page, kind, identifier)
    return latest, latest if version is None else await one(page, kind, identifier, version)


async def heading(page: Page, subject: Item) -> dict[str, Any]:
    """The title and the tabs over the page of a policy, calendar or ladder."""
    return {"title": (await reading(page)).title(subject), "tabs": tabs(page)}


async def compared(request: Request, page: Page, kind: str, identifier: str) -> dict[str, Any]:
    """Two versions side by side, `from` and `to` of the address: by default the latest and the one before it."""
    latest = await one(page, kind, identifier)
    known = await versions(page, kind, latest)
    before = await one(page, kind, identifier, _asked(request, "from", known[min(1, len(known) - 1)]))
    after = await one(page, kind, identifier, _asked(request, "to", latest))
    return {"subject": latest, "versions": known, "before": before, "after": after, **await heading(page, latest)}


async def versions(page: Page, kind: str, latest: Item) -> list[Item]:
    """The versions of a policy, calendar or ladder, newest first."""
    found = await page.desk.items(path("v1", kind, latest["id"], "versions"))
    return sorted(found, key=lambda each: each["version"], reverse=True)


async def choices(page: Page, address: str) -> list[str]:
    """The ids of a list that a policy names (calendars, ladders); empty where this reader is told none."""
    found = await page.desk.find(address, limit=200)
    return [each["id"] for each in found["items"]] if found else []


def published(versions_: Sequence[Item]) -> int | None:
    """The latest of them that is published, or none."""
    return max((each["version"] for each in versions_ if each.get("published_at")), default=None)


def _asked(request: Request, name: str, otherwise: Item) -> int:
    asked = number(request.query_params.get(name, ""))
    return int(otherwise["version"]) if asked is None else asked
