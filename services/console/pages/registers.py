"""People, departments, on-call shifts and API keys: lists that administrators keep."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from zoneinfo import available_timezones

from fastapi import Request
from fastapi.responses import Response

from services.console.forms import fingerprints
from services.console.forms.fields import Choice
from services.console.promises import catalogue
from services.console.promises.drafts import require
from services.console.public_api.client import Problem
from services.console.registers import admin_lists, attempts, staff_hours
from services.console.registers.admin_lists import DEPARTMENTS, KEYS, ON_CALL, PEOPLE, WEBHOOKS, Register
from services.console.registers.attempts import Attempt
from services.console.service import Page, PageDep
from services.console.shell.confirmation import Question, ask, is_confirmed
from services.console.shell.routes import page_router, see_said
from services.runtime.errors import Forbidden, NotFound
from services.runtime.pages import Form, new_key, read_form, require_key

router = page_router()
TABS: Mapping[str, Sequence[tuple[str, str]]] = {
    "people": (("people", "/people"), ("departments", "/people/departments"), ("on_call", "/people/on-call")),
    "keys": (("keys", "/keys"), ("webhooks", "/keys/webhooks"), ("texts", "/keys/texts")),
}
_ZONES = sorted(available_timezones())
_ENDING = (PEOPLE, DEPARTMENTS, KEYS)
"""Lists of what stops working when it is switched off; a webhook is only paused."""
_LONG_AGO = "2000-01-01T00:00:00Z"


@router.get("/people")
async def show_people(page: PageDep, done: str = "") -> Response:
    """Staff, with a form to add somebody and one in each row."""
    return await _show(page, PEOPLE, done=done)


@router.get("/people/departments")
async def show_departments(page: PageDep, done: str = "") -> Response:
    """Departments, and what is routed to each."""
    return await _show(page, DEPARTMENTS, done=done)


@router.get("/people/on-call")
async def show_on_call(page: PageDep, done: str = "") -> Response:
    """Who is on duty now, and the shifts from now on."""
    return await _show(page, ON_CALL, done=done)


@router.get("/keys")
async def show_keys(page: PageDep, done: str = "") -> Response:
    """API keys, without their secrets."""
    return await _show(page, KEYS, done=done)


@router.post("/people")
async def add_person(request: Request, page: PageDep) -> Response:
    """Make a member of staff."""
    return await _add(request, page, PEOPLE)


@router.post("/people/departments")
async def add_department(request: Request, page: PageDep) -> Response:
    """Make a department."""
    return await _add(request, page, DEPARTMENTS)


@router.post("/people/on-call")
async def add_shift(request: Request, page: PageDep) -> Response:
    """Put somebody on call."""
    return await _add(request, page, ON_CALL)


@router.post("/keys")
async def add_key(request: Request, page: PageDep) -> Response:
    """Make a key and show its secret, this once; sending the same form again shows it again."""
    return await _issue(request, page, KEYS)


@router.get("/keys/webhooks")
async def show_webhooks(page: PageDep, done: str = "") -> Response:
    """Receivers of events, with how many deliveries wait and how many were given up."""
    return await _show(page, WEBHOOKS, done=done)


@router.post("/keys/webhooks")
async def add_webhook(request: Request, page: PageDep) -> Response:
    """Make a webhook and show its secret, this once."""
    return await _issue(request, page, WEBHOOKS)


@router.post("/keys/webhooks/{identifier}")
async def change_webhook(request: Request, page: PageDep, identifier: str) -> Response:
    """Change a webhook, or remove it."""
    return await _change(request, page, WEBHOOKS, identifier)


@router.get("/keys/webhooks/{identifier}/deliveries")
async def show_deliveries(
    page: PageDep, identifier: str, state: str = "", cursor: str = "", done: str = ""
) -> Response:
    """What went to a receiver, try by try."""
    path = f"{WEBHOOKS.collection}/{quote(identifier, safe='')}"
    narrowed = {name: value for name, value in (("state", state), ("cursor", cursor)) if value}
    return page.render(
        "deliveries.html",
        webhook=await page.desk.get(path),
        found=await page.desk.get(f"{path}/deliveries", limit=50, **narrowed),
        state=state,
        done=done,
        key=new_key,
    )


@router.post("/keys/webhooks/{identifier}/{doing}")
async def do_with_webhook(request: Request, page: PageDep, identifier: str, doing: str) -> Response:
    """Draw another secret and show it; send a test; send again what did not arrive, or one delivery."""
    require(page, WEBHOOKS.needs)
    form = await read_form(request)
    path, key = f"{WEBHOOKS.collection}/{quote(identifier, safe='')}", require_key(form)
    if clash := await attempts.clash(page, form, WEBHOOKS, identifier):
        return await _show(page, WEBHOOKS, attempt=clash)
    if doing == "rotate-secret":
        if not is_confirmed(form):
            return await _ask(page, form, WEBHOOKS, identifier, "redraw")
        return await _show(page, WEBHOOKS, issued=await page.desk.post(f"{path}/rotate-secret", key=key))
    if doing == "test":
        await page.desk.post(f"{path}/test", key=key)
    elif doing == "redeliver":
        wish = {"delivery_id": form.one("delivery_id")} if form.one("delivery_id") else {"since": _LONG_AGO}
        await page.desk.post(f"{path}/redeliver", wish, key=key)
    else:
        raise NotFound
    return see_said(f"{WEBHOOKS.path}/{quote(identifier, safe='')}/deliveries?done={doing}")


@router.post("/people/departments/{identifier}")
async def change_department(request: Request, page: PageDep, identifier: str) -> Response:
    """Change a department."""
    return await _change(request, page, DEPARTMENTS, identifier)


@router.post("/people/on-call/{identifier}")
async def change_shift(request: Request, page: PageDep, identifier: str) -> Response:
    """Change a shift, or take it off the plan."""
    return await _change(request, page, ON_CALL, identifier)


@router.post("/people/{identifier}")
async def change_person(request: Request, page: PageDep, identifier: str) -> Response:
    """Change a member of staff."""
    return await _change(request, page, PEOPLE, identifier)


@router.post("/keys/{identifier}")
async def change_key(request: Request, page: PageDep, identifier: str) -> Response:
    """Rename or revoke a key."""
    return await _change(request, page, KEYS, identifier)


async def _issue(request: Request, page: Page, register: Register) -> Response:
    made = await _added(page, register, await read_form(request))
    if isinstance(made, Attempt):
        return await _show(page, register, attempt=made)
    return await _show(page, register, issued=made)


async def _add(request: Request, page: Page, register: Register) -> Response:
    made = await _added(page, register, await read_form(request))
    if isinstance(made, Attempt):
        return await _show(page, register, attempt=made)
    return _done(page, register, made["id"])


async def _added(page: Page, register: Register, form: Form) -> Any:
    """The entry that was made, or what to correct."""
    key = require_key(form)
    body, errors = admin_lists.addition(form, register, page.zone, page.words)
    if not errors:
        try:
            return await page.desk.post(register.collection, body, key=key)
        except Problem as problem:
            return Attempt(None, attempts.refused(form, (*register.add, *register.week), problem), new_key())
    return Attempt(None, replace(attempts.kept(form, (*register.add, *register.week)), errors=errors), key)


async def _change(request: Request, page: Page, register: Register, identifier: str) -> Response:
    require(page, register.needs)
    form = await read_form(request)
    path = f"{register.collection}/{quote(identifier, safe='')}"
    if register.removable and form.one("remove"):
        return await _remove(page, form, register, identifier)
    body, errors = admin_lists.change(form, register, page.zone, page.words)
    if clash := await attempts.clash(page, form, register, identifier, None if errors else body):
        return await _show(page, register, attempt=clash)
    basis = form.one("basis")
    attempt = Attempt(identifier, replace(attempts.kept(form, register.asked), errors=errors), "", basis=basis)
    if not errors and not is_confirmed(form) and await _switches_off(page, register, identifier, body):
        return await _ask(page, form, register, identifier, "switch_off")
    if not errors:
        try:
            await page.desk.patch(path, body)
        except Problem as problem:
            attempt = Attempt(identifier, attempts.refused(form, register.asked, problem), "", basis=basis)
        else:
            return _done(page, register, identifier)
    return await _show(page, register, attempt=attempt)


async def _remove(page: Page, form: Form, register: Register, identifier: str) -> Response:
    clash = await attempts.clash(page, form, register, identifier)
    if clash and clash.clash == attempts.GONE:
        return _done(page, register, "removed")
    if clash:
        return await _show(page, register, attempt=clash)
    if not is_confirmed(form):
        return await _ask(page, form, register, identifier, "remove")
    await page.desk.delete(f"{register.collection}/{quote(identifier, safe='')}")
    return _done(page, register, "removed")


async def _switches_off(page: Page, register: Register, identifier: str, body: Mapping[str, Any]) -> bool:
    """Whether a form takes somebody's or something's access away that it has now."""
    if register not in _ENDING or body.get("active", True):
        return False
    return bool((await _entry(page, register, identifier)).get("active"))


async def _ask(page: Page, form: Form, register: Register, identifier: str, doing: str) -> Response:
    entry, text = await _entry(page, register, identifier), page.words.text
    directory = await page.console.names.directory(page.desk)
    title = admin_lists.title(entry, page.present(), directory.person)
    question = f"{register.name}.{doing}"
    return ask(
        page,
        form,
        Question(text(question, title=title), text(f"{question}.text"), text(f"{question}.go"), register.path),
    )


async def _entry(page: Page, register: Register, identifier: str) -> Mapping[str, Any]:
    """An entry of a list; empty where it is not listed, as a shift that has ended."""
    return next((each for each in await _entries(page, register) if each["id"] == identifier), {})


def _done(page: Page, register: Register, identifier: str) -> Response:
    page.console.names.forget()
    return see_said(f"{register.path}?done={quote(identifier, safe='')}")


async def _show(
    page: Page,
    register: Register,
    *,
    attempt: Attempt | None = None,
    issued: Mapping[str, Any] | None = None,
    done: str = "",
) -> Response:
    may_keep = register.needs in page.reader.allowed
    if not may_keep and register.reads not in page.reader.allowed:
        raise Forbidden
    directory = await page.console.names.directory(page.desk)
    entries = await _entries(page, register)
    attempt = attempts.placed_among(attempt, entries)
    section = register.path.split("/")[1]
    titles = await catalogue.titles(page)
    quiet = await _quiet_hours(page) if register is PEOPLE else None
    return page.render(
        "registers.html",
        status=attempts.status(attempt),
        register=register,
        listed=entries,
        on_duty=_on_duty(page, entries) if register is ON_CALL else [],
        may_keep=may_keep,
        tabs=TABS[section] if may_keep else (),
        attempt=attempt,
        issued=issued,
        done=done,
        key=new_key,
        basis=lambda entry: fingerprints.fingerprint(admin_lists.drawn_from(entry, register)),
        standing=lambda entry: admin_lists.standing(entry, register, page.zone),
        directory=directory,
        titles=titles,
        reached=lambda entry: staff_hours.reached(entry, directory, quiet, titles, page.words),
        hours_filled=staff_hours.is_filled,
        zones=_ZONES,
        choices={
            "zones": (),
            "calendars": await _calendars(page, entries) if register is DEPARTMENTS else (),
            "departments": [Choice(id_, each["name"]) for id_, each in directory.departments.items() if each["active"]],
            "staff": [
                Choice(id_, directory.person(id_), directory.department(each["department"]))
                for id_, each in directory.staff.items()
                if each["active"]
            ],
        },
    )


async def _quiet_hours(page: Page) -> Mapping[str, Any] | None:
    """The quiet hours of the staff; None for none."""
    staff: Mapping[str, Any] | None = (await page.desk.get("/v1/quiet-hours"))["staff"]
    return staff


async def _calendars(page: Page, departments: Sequence[Mapping[str, Any]]) -> list[Choice]:
    """What is published, and what departments go by in any case: a choice that is not shown would be lost."""
    reading = await catalogue.reading(page)
    titles = {
        each["id"]: reading.title(each) for each in await page.desk.items("/v1/calendars") if each["published_version"]
    }
    named = {each["calendar"] for each in departments if each["calendar"]}
    return [Choice(id_, titles.get(id_, id_)) for id_ in sorted({*titles, *named})]


async def _entries(page: Page, register: Register) -> list[dict[str, Any]]:
    """The list; of shifts, those that have not ended. Who left, and keys that are revoked, come last."""
    if register is ON_CALL:
        since = page.now.isoformat().replace("+00:00", "Z")
        period: dict[str, str | int | list[str]] = {"from": since, "limit": 200}
        answer = await page.desk.get(register.collection, **period)
        return list(answer["items"])
    return sorted(await page.desk.items(register.collection), key=lambda each: not each["active"])


def _on_duty(page: Page, shifts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    now = page.now.isoformat().replace("+00:00", "Z")
    return [each for each in shifts if each["from_at"] <= now < each["to_at"]]
