"""Policies: in the order in which they are tried, and each with its clocks, settings and versions."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from services.console.forms import fingerprints
from services.console.promises import catalogue, drafts
from services.console.promises.drafts import require
from services.console.promises.policies import FACTS
from services.console.promises.policy_forms import draft_of
from services.console.public_api.client import path
from services.console.service import Page, PageDep
from services.console.shell.confirmation import Confirmation, ask, is_confirmed
from services.console.shell.routes import page_router, see_other, see_said
from services.contracts.permissions import Action
from services.runtime.errors import NotFound
from services.runtime.pages.forms import Form, new_key, read_form, require_key

router = page_router()
KIND = "policies"
_STEPS: Mapping[str, int] = {"up": -1, "down": 1}


@router.get("/policies")
async def list_policies(page: PageDep, done: str = "", moved: str = "") -> Response:
    """Every policy in the order in which they are tried; `moved` is the one that was just given another place."""
    return await _list(page, done=done, moved=moved)


@router.post("/policies")
async def add_policy(request: Request, page: PageDep) -> Response:
    """Make a draft under a new id: a copy of another policy, or one that promises nothing."""
    require(page, Action.WRITE_POLICY)
    form = await read_form(request)
    like = form.one("like")
    draft = draft_of(await catalogue.one(page, KIND, like)) if like else {}
    if wrong := await drafts.add(page, "policies", form, draft):
        return await _list(page, form=form, wrong=wrong)
    return see_other(f"{path('policies', form.one('id'))}/edit")


@router.post("/policies/order")
async def move_policy(request: Request, page: PageDep) -> Response:
    """Try a policy one place earlier or later."""
    require(page, Action.WRITE_POLICY)
    form = await read_form(request)
    ids = list((await page.desk.get("/v1/policy-order"))["ids"])
    step, identifier, basis = _STEPS.get(form.one("step")), form.one("id"), form.one("basis")
    if step is None or identifier not in ids:
        raise NotFound
    if not fingerprints.is_outdated(basis, ids):
        await page.desk.put("/v1/policy-order", {"ids": moved_by(ids, identifier, step)})
    elif fingerprints.is_outdated(basis, moved_by(ids, identifier, -step)):
        # Otherwise it is where the form wants it: its first click has moved it.
        return await _list(page, outdated=True)
    return see_said(f"/policies?done=moved&moved={quote(identifier, safe='')}")


@router.get("/policies/{policy_id}")
async def show_policy(page: PageDep, policy_id: str, version: int | None = None, done: str = "") -> Response:
    """One version of a policy as a table of its clocks; the latest by default."""
    return await _show(page, policy_id, version, done=done)


async def _show(
    page: Page, policy_id: str, version: int | None = None, *, done: str = "", outdated: bool = False
) -> Response:
    shown = await catalogue.one(page, KIND, policy_id, version)
    versions = await catalogue.versions(page, "policies", shown)
    return page.render(
        "policy.html",
        status=HTTPStatus.CONFLICT if outdated else HTTPStatus.OK,
        outdated=outdated,
        basis=fingerprints.fingerprint(_in_force(shown)),
        policy=shown,
        reading=await catalogue.reading(page),
        versions=versions,
        titles=await catalogue.titles(page),
        standing=catalogue.PolicyStanding(shown, catalogue.published(versions)),
        latest=max(each["version"] for each in versions),
        tabs=catalogue.tabs(page),
        may_write=Action.WRITE_POLICY in page.reader.allowed,
        done=done,
        key=new_key,
    )


@router.post("/policies/{policy_id}/retire")
async def retire_policy(request: Request, page: PageDep, policy_id: str) -> Response:
    """Apply a policy to no new ticket any more."""
    require(page, Action.WRITE_POLICY)
    form = await read_form(request)
    key, policy = require_key(form), await catalogue.one(page, KIND, policy_id)
    if policy["retired_at"] is None and fingerprints.is_outdated(form.one("basis"), _in_force(policy)):
        return await _show(page, policy_id, outdated=True)
    if not is_confirmed(form):
        text = page.words.text
        title = (await catalogue.reading(page)).title(policy)
        asked = text("policies.retire.ask", title=title)
        question = Confirmation(
            asked, text("policies.retire.text"), text("policies.retire"), path("policies", policy_id)
        )
        return ask(page, form, question)
    await page.desk.post(path("v1", "policies", policy_id, "retire"), key=key)
    return see_said(f"{path('policies', policy_id)}?done=retired")


@router.get("/policies/{policy_id}/compare")
async def compare_versions(page: PageDep, policy_id: str, request: Request, every: str = "") -> Response:
    """Two versions of a policy side by side."""
    found = await catalogue.compared(request, page, KIND, policy_id)
    sections = (await catalogue.reading(page)).compared(found["before"], found["after"])
    return page.render("policy_compare.html", policy=found["subject"], sections=sections, every=bool(every), **found)


def moved_by(ids: Sequence[str], identifier: str, step: int) -> list[str]:
    """An order with one of them a step earlier or later; the first and the last stay where they are."""
    at = ids.index(identifier)
    to = min(max(at + step, 0), len(ids) - 1)
    moved = list(ids)
    moved[at], moved[to] = moved[to], moved[at]
    return moved


def _in_force(policy: Mapping[str, Any]) -> list[Any]:
    """The part of a policy that is retired: the version that is published, and whether it applies."""
    return [policy["published_version"], policy["retired_at"]]


async def _list(
    page: Page,
    *,
    form: Form | None = None,
    wrong: Any = (),
    done: str = "",
    moved: str = "",
    outdated: bool = False,
) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    ids = (await page.desk.get("/v1/policy-order"))["ids"]
    return page.render(
        "policies.html",
        status=HTTPStatus.CONFLICT if outdated else status,
        outdated=outdated,
        basis=fingerprints.fingerprint(ids),
        standings=await catalogue.standings(page),
        reading=await catalogue.reading(page),
        tabs=catalogue.tabs(page),
        may_write=Action.WRITE_POLICY in page.reader.allowed,
        form=form or Form(),
        wrong=wrong,
        facts=FACTS,
        done=done,
        moved=moved,
        key=new_key,
    )
