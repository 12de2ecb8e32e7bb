"""Forms that write a next version: who may send one, the version that it follows, and its faults."""

from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Any

from services.console.forms.values import number
from services.console.public_api.client import ApiProblem, path
from services.console.service import Page
from services.contracts.permissions import Action
from services.runtime.errors import Forbidden, MalformedRequest
from services.runtime.pages.forms import Form
from services.wording import LANGUAGES

CORRECTABLE = frozenset(
    {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT, HTTPStatus.BAD_REQUEST}
)
"""Refusals that whoever typed can do something about: the page shows them, and what was typed."""


def require(page: Page, action: Action) -> None:
    """Refuse whoever lacks a right before a form shows what they cannot send."""
    if action not in page.reader.allowed:
        raise Forbidden


def is_outdated(form: Form, latest: Mapping[str, Any]) -> bool:
    """Whether somebody stored a version since the form was made; one that names none means the latest. It is told at
    once, whatever the form asks for: drawn anew with a fault or a preview, it would name a version that nobody was
    shown. Raises `MalformedRequest`."""
    given = form.one("version")
    version = number(given) if given else int(latest["version"])
    if version is None:
        raise MalformedRequest
    return version != int(latest["version"])


def is_stale(problem: ApiProblem | None) -> bool:
    """Whether somebody stored a version just before the form's."""
    return problem is not None and problem.status == HTTPStatus.PRECONDITION_FAILED


async def refusal(storing: Awaitable[Any]) -> ApiProblem | None:
    """Wait until something is stored; answers the refusal that whoever typed can correct, None where there is none.

    Raises:
        ApiProblem: no correction mends it.
    """
    try:
        await storing
    except ApiProblem as problem:
        if problem.status not in CORRECTABLE:
            raise
        return problem
    return None


def said(problem: ApiProblem) -> list[str]:
    """The faults that the API tells."""
    return [each.message for each in problem.errors] or [problem.detail or problem.title]


def line(text: str, at: int | None) -> str:
    """The line of a text that a fault is in; empty where it has none."""
    lines = text.split("\n")
    return lines[at - 1] if at and at <= len(lines) else ""


async def add(page: Page, kind: str, form: Form, draft: Mapping[str, Any]) -> list[str]:
    """Store a draft under the new id and the titles that a form names; answers what is wrong with it."""
    identifier = form.one("id")
    if identifier in {each["id"] for each in await page.desk.items(path("v1", kind))}:
        return [page.words.text("policies.add.taken")]
    titles = {each: form.one(f"title.{each}") for each in LANGUAGES if form.one(f"title.{each}")}
    try:
        await page.desk.put(path("v1", kind, identifier), {**draft, "title": titles})
    except ApiProblem as problem:
        # An id that no path can hold is not found.
        if problem.status not in {*CORRECTABLE, HTTPStatus.NOT_FOUND}:
            raise
        return said(problem)
    return []
