"""Quiet hours: when notices that are not urgent are held back, for customers and for staff."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from services.console.forms.values import Typed, beside, everything, refused
from services.console.promises import catalogue
from services.console.promises.calendar_forms import ZONES
from services.console.promises.drafts import is_outdated, is_stale, refusal, require
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.contracts.permissions import Action
from services.runtime.pages.forms import Form, read_form

router = page_router()
AUDIENCES = ("customer", "staff")
_ADDRESS = "/v1/quiet-hours"
_PARTS = ("from", "to", "time_zone")


@router.get("/quiet-hours")
async def show_quiet_hours(page: PageDep, done: str = "") -> Response:
    """The quiet hours as they are."""
    require(page, Action.READ_POLICY)
    hours = await page.desk.get(_ADDRESS)
    return _show(page, _standing(hours, page), hours["version"], done=done)


@router.post("/quiet-hours")
async def write_quiet_hours(request: Request, page: PageDep) -> Response:
    """Store them; what is wrong stands at its field."""
    require(page, Action.WRITE_POLICY)
    form, latest = await read_form(request), await page.desk.get(_ADDRESS)
    if is_outdated(form, latest):
        return _outdated(page, form, latest)
    body = {each: _window(form, each) for each in AUDIENCES}
    problem = await refusal(page.desk.put(_ADDRESS, body, version=latest["version"]))
    if is_stale(problem):
        return _outdated(page, form, await page.desk.get(_ADDRESS))
    if problem:
        return _show(page, refused(form, problem.errors, _field), latest["version"])
    return see_said("/quiet-hours?done=saved")


def _outdated(page: Page, form: Form, latest: Mapping[str, Any]) -> Response:
    stored = _standing(latest, page).values
    # Hours of nobody are what the form proposes; nobody stored them.
    said = {name: its for name, its in stored.items() if name.endswith(".on") or latest[name.partition(".")[0]]}
    return _show(page, beside(Typed(everything(form)), Typed(said)), latest["version"], stale=True)


def _show(page: Page, typed: Typed, version: int, *, done: str = "", stale: bool = False) -> Response:
    return page.render(
        "quiet_hours.html",
        status=typed.status(stale=stale),
        filled=typed,
        version=version,
        stale=stale,
        audiences=AUDIENCES,
        zones=ZONES,
        tabs=catalogue.tabs(page),
        may_write=Action.WRITE_POLICY in page.reader.allowed,
        done=done,
    )


def _standing(hours: Mapping[str, Any], page: Page) -> Typed:
    values: dict[str, list[str]] = {}
    for audience in AUDIENCES:
        window = hours.get(audience)
        values[f"{audience}.on"] = ["true"] if window else []
        usual = {"from": "21:00", "to": "08:00", "time_zone": page.console.settings.time_zone}
        values |= {f"{audience}.{part}": [(window or usual)[part]] for part in _PARTS}
    return Typed(values)


def _window(form: Form, audience: str) -> dict[str, str] | None:
    if not form.one(f"{audience}.on"):
        return None
    return {part: form.one(f"{audience}.{part}") for part in _PARTS}


def _field(pointer: str) -> str:
    return ".".join(pointer.strip("/").split("/")[:2])
