"""Ladders: who is told when, as a drawing and as a table; their text, their versions, and the quiet hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import yaml
from fastapi import Request
from fastapi.responses import Response

from services.console.forms import durations
from services.console.forms.values import local_moment
from services.console.promises import catalogue, drafts
from services.console.promises.drafts import is_outdated, is_stale, refusal, require
from services.console.promises.ladder_chart import chart, steps, written_step
from services.console.promises.policies import URGENCIES, paired
from services.console.public_api.client import ApiProblem, path
from services.console.rendering.present import Present
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_other, see_said
from services.contracts.alert import Threshold
from services.contracts.base import format_instant
from services.contracts.permissions import Action
from services.contracts.policy import DEFAULT_CALENDAR
from services.contracts.vocabulary import ClockName
from services.runtime.pages.forms import Form, read_form

router = page_router()
KIND = "ladders"
YAML = "application/yaml"
_PLANNED_YEARS = range(2001, 9000)
_STORED = ("title", "breach", "low_rating")
_EVERY = "*"

Item = Mapping[str, Any]


@dataclass(frozen=True)
class LadderQuestion:
    """The reader's question: an alert of this sort, raised at `at` (as a field holds it)."""

    threshold: str
    clock: str
    urgency: str
    department: str
    calendar: str
    at: str

    @property
    def is_of_a_clock(self) -> bool:
        """A low rating has no clock."""
        return self.threshold != Threshold.LOW_RATING


@router.get("/ladders")
async def list_ladders(page: PageDep) -> Response:
    """Every ladder, and the policies that name it."""
    require(page, Action.READ_POLICY)
    return await _list(page)


@router.post("/ladders")
async def add_ladder(request: Request, page: PageDep) -> Response:
    """Make a ladder under a new id, like another one."""
    require(page, Action.WRITE_POLICY)
    form = await read_form(request)
    like = await page.desk.get(path("v1", KIND, form.one("like") or "default"))
    if wrong := await drafts.add(page, KIND, form, _draft(like)):
        return await _list(page, form=form, wrong=wrong)
    return see_other(f"{path(KIND, form.one('id'))}/edit")


@router.get("/ladders/{ladder_id}")
async def show_ladder(
    request: Request, page: PageDep, ladder_id: str, version: int | None = None, done: str = ""
) -> Response:
    """Show who is told when, for one sort of alert; the asked one stands in the address."""
    require(page, Action.READ_POLICY)
    latest, ladder = await catalogue.latest_and(page, KIND, ladder_id, version)
    calendars = [each["id"] for each in await page.desk.items("/v1/calendars") if each["published_version"]]
    asked = _asked(request.query_params, page, calendars)
    plan = await page.desk.get(f"{path('v1', KIND, ladder_id)}/plan", **_questions(asked, page, ladder))
    present = page.present()
    directory = await page.console.names.directory(page.desk)
    return page.render(
        "ladder.html",
        ladder=ladder,
        latest=latest["version"],
        versions=await catalogue.versions(page, KIND, latest),
        asked=asked,
        clocks=tuple(ClockName),
        urgencies=URGENCIES,
        thresholds=tuple(Threshold),
        calendars=calendars,
        departments=directory.active_departments,
        directory=directory,
        chart=chart(plan, present),
        steps=steps(plan, present),
        plan=plan,
        length=lambda code: durations.written(code, page.words),
        table=_table(ladder, present),
        may_write=Action.WRITE_POLICY in page.reader.allowed,
        done=done,
        **await catalogue.heading(page, ladder),
    )


@router.get("/ladders/{ladder_id}/edit")
async def show_text(page: PageDep, ladder_id: str, version: int | None = None) -> Response:
    """The ladder as YAML; `version` begins with an older one."""
    require(page, Action.WRITE_POLICY)
    latest, ladder = await catalogue.latest_and(page, KIND, ladder_id, version)
    return await _text(page, latest, _written(ladder))


@router.post("/ladders/{ladder_id}/edit")
async def write_text(request: Request, page: PageDep, ladder_id: str) -> Response:
    """Store a text; what is wrong is told with its line."""
    require(page, Action.WRITE_POLICY)
    form = await read_form(request)
    text = (form.many("text") or ("",))[-1]
    address = path("v1", KIND, ladder_id)
    latest = await page.desk.get(address)
    if is_outdated(form, latest):
        return await _text(page, latest, text, stale=True)
    problem = await refusal(page.desk.send_text("PUT", address, text, YAML, version=latest["version"]))
    if is_stale(problem):
        return await _text(page, await page.desk.get(address), text, stale=True)
    if problem:
        return await _text(page, latest, text, problem)
    return see_said(f"{path(KIND, ladder_id)}?done=saved")


@router.get("/ladders/{ladder_id}/compare")
async def compare_versions(request: Request, page: PageDep, ladder_id: str) -> Response:
    """Two versions of a ladder side by side."""
    require(page, Action.READ_POLICY)
    found, present = await catalogue.compared(request, page, KIND, ladder_id), page.present()
    lines = paired(_said(found["before"], present), _said(found["after"], present))
    return page.render("version_compare.html", kind=KIND, lines=[line for line in lines if line.changed], **found)


async def _list(page: Page, *, form: Form | None = None, wrong: Sequence[str] = ()) -> Response:
    reading = await catalogue.reading(page)
    policies = await page.desk.items("/v1/policies")
    return page.render(
        "ladders.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        ladders=await page.desk.items("/v1/ladders"),
        title_of=reading.title,
        uses=_uses(policies, reading.title),
        length=lambda code: durations.written(code, page.words),
        may_write=Action.WRITE_POLICY in page.reader.allowed,
        form=form or Form(),
        wrong=wrong,
        tabs=catalogue.tabs(page),
    )


async def _text(
    page: Page, latest: Item, text: str, problem: ApiProblem | None = None, *, stale: bool = False
) -> Response:
    faults = [
        {**each, "level": "error", "source": drafts.line(text, each.get("line"))}
        for each in (problem.document.get("errors") or () if problem else ())
    ]
    if problem and not faults:
        faults = [{"level": "error", "message": problem.detail or problem.title}]
    return page.render(
        "ladder_text.html",
        status=HTTPStatus.CONFLICT if stale else problem.status if problem else HTTPStatus.OK,
        ladder=latest,
        text=text,
        faults=faults,
        stale=stale,
        **await catalogue.heading(page, latest),
    )


def _asked(given: Mapping[str, str], page: Page, calendars: Sequence[str]) -> LadderQuestion:
    calendar = given.get("calendar", "")
    clock, urgency, threshold = given.get("clock", ""), given.get("urgency", ""), given.get("threshold", "")
    return LadderQuestion(
        threshold=threshold if threshold in set(Threshold) else Threshold.BREACH,
        clock=clock if clock in set(ClockName) else ClockName.RESPONSE,
        urgency=urgency if urgency in URGENCIES else URGENCIES[0],
        department=given.get("department", ""),
        calendar=calendar if calendar in calendars else DEFAULT_CALENDAR,
        at=given.get("at", "") or local_moment(format_instant(page.now), page.zone),
    )


def _questions(asked: LadderQuestion, page: Page, ladder: Item) -> dict[str, str | int | None]:
    return {
        "threshold": asked.threshold,
        "urgency": asked.urgency,
        "at": _at(asked, page),
        "version": ladder["version"],
        "clock": asked.clock if asked.is_of_a_clock else None,
        "calendar": None if asked.calendar == DEFAULT_CALENDAR else asked.calendar,
        "department": asked.department or None,
    }


def _at(asked: LadderQuestion, page: Page) -> str:
    """The moment asked for; now where the field holds none that can be read, or one at the ends of time."""
    try:
        moment = datetime.fromisoformat(asked.at).replace(tzinfo=page.zone)
    except ValueError:
        return format_instant(page.now)
    return format_instant(moment if moment.year in _PLANNED_YEARS else page.now)


def _draft(ladder: Item) -> dict[str, Any]:
    return {name: ladder[name] for name in _STORED if name in ladder}


def _written(ladder: Item) -> str:
    return yaml.safe_dump(_draft(ladder), allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)


def _uses(policies: Sequence[Item], title: Any) -> dict[str, list[tuple[str, str]]]:
    """The policies that name each ladder: address and title."""
    uses: dict[str, list[tuple[str, str]]] = {}
    for policy in policies:
        for ladder in {rule.get("ladder", "default") for rule in policy["clocks"].values()}:
            uses.setdefault(ladder, []).append((path("policies", policy["id"]), title(policy)))
    return uses


def _table(ladder: Item, present: Present) -> list[tuple[str, list[str]]]:
    """Every sort of alert with its steps."""
    rows = [(present.words.of("clock", name), ladder["breach"]["steps"].get(name, ())) for name in ClockName]
    rows.append((present.words.of("threshold", Threshold.LOW_RATING), ladder["low_rating"]["steps"]["low_rating"]))
    return [(name, [written_step(step, present) for step in its]) for name, its in rows]


def _said(ladder: Item, present: Present) -> dict[str, str]:
    """Everything that a version says, by what it is called."""
    words = present.words
    said_: dict[str, str] = {
        words.text(f"policies.title.{each}"): (ladder.get("title") or {}).get(each, "") for each in ("zh-CN", "en")
    }
    for sort in ("breach", "low_rating"):
        climb, name = ladder[sort], words.of("threshold", sort)
        for urgency, pause in climb["pause"].items():
            who = words.text("ladders.every_other") if urgency == _EVERY else words.of("urgency", urgency)
            said_[f"{name} · {words.text('ladders.pause')} · {who}"] = durations.written(pause, words)
        said_[f"{name} · {words.text('ladders.rounds')}"] = str(climb["rounds"])
        said_[f"{name} · {words.text('ladders.acknowledged_for')}"] = durations.written(
            climb["acknowledged_for"], words
        )
    return {**said_, **{name: " → ".join(its) for name, its in _table(ladder, present)}}
