"""Changing a policy: a form for those who write no YAML, the YAML for those who do. Both store a draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import yaml
from fastapi import Request
from fastapi.responses import Response

from services.console.forms.fields import FieldChoice
from services.console.forms.values import Typed
from services.console.promises import catalogue, drafts, policy_forms
from services.console.promises.drafts import CORRECTABLE, is_outdated, is_stale, require
from services.console.promises.policies import SETTINGS, URGENCIES
from services.console.promises.policy_forms import draft_of
from services.console.public_api.client import ApiProblem, FieldProblem, path
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.contracts.permissions import Action
from services.contracts.policy import SecondCallbackFrom
from services.contracts.vocabulary import Category, Channel, ClockName, Kind, Priority, Tier, Urgency, WaitReason
from services.runtime.pages.forms import Form, read_form

router = page_router()
KIND = "policies"
YAML = "application/yaml"
_MOST_FIELDS = 1_000
_LINT = "/v1/policies/lint"
_CODES: Mapping[str, type[StrEnum]] = {
    "kind": Kind,
    "category": Category,
    "urgency": Urgency,
    "priority": Priority,
    "tier": Tier,
    "channel": Channel,
}


@dataclass(frozen=True)
class Checked:
    """Findings on a draft that is shown again. `stale` tells that somebody stored a version meanwhile."""

    faults: Sequence[Mapping[str, Any]] = ()
    clean: bool = False
    refused: bool = False
    stale: bool = False


@router.get("/policies/{policy_id}/edit")
async def show_form(page: PageDep, policy_id: str, version: int | None = None) -> Response:
    """The policy as a form; `version` begins with an older one."""
    require(page, Action.WRITE_POLICY)
    latest, shown = await catalogue.latest_and(page, KIND, policy_id, version)
    return await _form(page, latest, policy_forms.standing(shown, page.words), Checked())


@router.post("/policies/{policy_id}/edit")
async def save_form(request: Request, page: PageDep, policy_id: str) -> Response:
    """Check what was typed, or store it as a draft; what is wrong stands at its field."""
    require(page, Action.WRITE_POLICY)
    form = await read_form(request, most_fields=_MOST_FIELDS)
    latest = await catalogue.one(page, KIND, policy_id)
    draft, typed = policy_forms.read(form, latest, page.words)
    if is_outdated(form, latest):
        return await _form(page, latest, typed, Checked(stale=True))
    if typed.errors:
        return await _form(page, latest, typed, Checked(refused=True))
    if form.one("check"):
        faults = [_fault(each) for each in (await page.desk.post(_LINT, {**draft, "id": policy_id}))["faults"]]
        return await _form(page, latest, _marked(form, faults), Checked(faults, clean=not faults))
    try:
        await page.desk.put(path("v1", "policies", policy_id), draft, version=latest["version"])
    except ApiProblem as problem:
        refused = _refused(problem)
        latest = await catalogue.one(page, KIND, policy_id) if refused.stale else latest
        return await _form(page, latest, policy_forms.typed(form, problem.errors), refused)
    return see_said(f"{path('policies', policy_id)}?done=saved")


@router.get("/policies/{policy_id}/yaml")
async def show_yaml(page: PageDep, policy_id: str, version: int | None = None) -> Response:
    """The policy as YAML."""
    require(page, Action.WRITE_POLICY)
    latest, shown = await catalogue.latest_and(page, KIND, policy_id, version)
    # With its id the text is compared with other policies, and not with what it will replace.
    text = yaml.safe_dump({"id": policy_id, **draft_of(shown)}, allow_unicode=True, sort_keys=False)
    return await _text(page, latest, text, Checked())


@router.post("/policies/{policy_id}/yaml")
async def save_yaml(request: Request, page: PageDep, policy_id: str) -> Response:
    """Check a text, or store it as a draft; what is wrong is told with its line."""
    require(page, Action.WRITE_POLICY)
    form = await read_form(request)
    text = (form.many("text") or ("",))[-1]
    latest = await catalogue.one(page, KIND, policy_id)
    if is_outdated(form, latest):
        return await _text(page, latest, text, Checked(stale=True))
    try:
        if form.one("check"):
            faults = [_fault(each) for each in (await page.desk.send_text("POST", _LINT, text, YAML))["faults"]]
            return await _text(page, latest, text, Checked(faults, clean=not faults))
        await page.desk.send_text("PUT", path("v1", "policies", policy_id), text, YAML, version=latest["version"])
    except ApiProblem as problem:
        refused = _refused(problem)
        latest = await catalogue.one(page, KIND, policy_id) if refused.stale else latest
        return await _text(page, latest, text, refused)
    return see_said(f"{path('policies', policy_id)}?done=saved")


async def _form(page: Page, latest: Mapping[str, Any], typed: Typed, checked: Checked) -> Response:
    directory = await page.console.names.directory(page.desk)
    departments = directory.active_departments
    facts = {name: _worded(page, name, codes) for name, codes in _CODES.items()}
    return await _shown(
        page,
        "policy_form.html",
        latest,
        checked,
        filled=typed,
        clocks=tuple(ClockName),
        urgencies=URGENCIES,
        reasons=_worded(page, "wait_reason", WaitReason),
        settings=SETTINGS,
        origins=_worded(page, "second_callback_from", SecondCallbackFrom),
        facts={**facts, "department": [FieldChoice(each["id"], each["name"]) for each in departments]},
        conditions=_conditions(typed),
        departments=departments,
        calendars=[FieldChoice(each, each) for each in await catalogue.choices(page, "/v1/calendars")],
        ladders=[FieldChoice(each, each) for each in await catalogue.choices(page, "/v1/ladders")],
    )


def _worded(page: Page, group: str, codes: type[StrEnum]) -> list[FieldChoice]:
    return [FieldChoice(code, page.words.of(group, code)) for code in codes]


async def _text(page: Page, latest: Mapping[str, Any], text: str, checked: Checked) -> Response:
    told = [{**fault, "source": drafts.line(text, fault["line"])} for fault in checked.faults]
    return await _shown(page, "policy_yaml.html", latest, replace(checked, faults=told), text=text)


async def _shown(page: Page, template: str, latest: Mapping[str, Any], checked: Checked, **values: Any) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if checked.refused else HTTPStatus.OK
    return page.render(
        template,
        status=HTTPStatus.CONFLICT if checked.stale else status,
        policy=latest,
        checked=checked,
        **await catalogue.heading(page, latest),
        **values,
    )


def _refused(problem: ApiProblem) -> Checked:
    """Findings of a refusal that whoever typed can mend; others are raised again."""
    if problem.status not in CORRECTABLE:
        raise problem
    faults = [_fault(each) for each in problem.document.get("errors") or ()]
    if is_stale(problem):
        return Checked(stale=True)
    return Checked(faults or [_fault({"message": problem.detail or problem.title})], refused=True)


def _fault(told: Mapping[str, Any]) -> dict[str, Any]:
    """A fault as the page lists it, whether the API found it while storing or while checking."""
    return {"level": "error", "pointer": "", "code": "", "line": None, "source": "", **told}


def _marked(form: Form, faults: Sequence[Mapping[str, Any]]) -> Typed:
    problems = [FieldProblem(each["pointer"], each["code"], each["message"]) for each in faults]
    return policy_forms.typed(form, problems)


def _conditions(typed: Typed) -> list[int]:
    """The numbers of the conditions that the form shows: those that state something, and an empty one."""
    stated = sorted({int(name.split(".")[1]) for name in typed.values if name.startswith("condition.")})
    return [*stated, (stated[-1] + 1 if stated else 0)]
