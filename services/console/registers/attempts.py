"""A form of a register that did not go through: what was typed, what is wrong with it, and what somebody else did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from services.console.forms.fields import Field
from services.console.forms.values import Typed, beside, placed, typed
from services.console.public_api.client import ApiProblem
from services.console.registers import admin_lists
from services.console.registers.admin_lists import Register
from services.console.service import Page
from services.runtime.pages.forms import Form, new_key

CHANGED, GONE = "changed", "gone"
_CORRECTABLE = frozenset({HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT})
_SECRET = frozenset({"password"})


@dataclass(frozen=True)
class FailedForm:
    """A form that was sent and did not go through; `entry` is whose form it was, None for the one that adds. `clash`
    tells what somebody else did meanwhile: `changed` or `gone`; `basis` is what the form was drawn from, while it
    counts."""

    entry: str | None
    typed: Typed
    key: str
    clash: str = ""
    basis: str = ""


async def clash(
    page: Page, form: Form, register: Register, identifier: str, wanted: Mapping[str, Any] | None = None
) -> FailedForm | None:
    """The clash with what somebody did to an entry since the form was drawn; a form that does not say what it was drawn
    from means the entry as it is."""
    basis = form.one("basis")
    if not basis:
        return None
    given = kept(form, register.asked)
    try:
        entry = await page.desk.get(register.address(identifier))
    except ApiProblem as problem:
        if problem.status != HTTPStatus.NOT_FOUND:
            raise
        return FailedForm(identifier, given, "", GONE)
    if not admin_lists.is_outdated(basis, entry, register, wanted):
        return None
    stored = admin_lists.standing(entry, register, page.zone)
    asks = any(each.name in dict(form.fields) for each in register.asked)
    return FailedForm(identifier, beside(given, stored) if asks else stored, "", CHANGED)


def refused(form: Form, fields: Sequence[Field], problem: ApiProblem) -> Typed:
    """Keep what was typed, with the API's faults at the fields; what no correction mends is raised again."""
    if problem.status not in _CORRECTABLE:
        raise problem
    at, elsewhere = placed(problem.errors, fields)
    general = [*elsewhere] if at or elsewhere else [problem.detail or problem.title]
    return replace(kept(form, fields), errors=at, general=general)


def kept(form: Form, fields: Sequence[Field]) -> Typed:
    """Keep what was typed, but for passwords."""
    return typed(form, [each for each in fields if each.name not in _SECRET])


def placed_among(attempt: FailedForm | None, entries: Sequence[Mapping[str, Any]]) -> FailedForm | None:
    """Move what was typed for an entry that is listed no more into the form that adds one."""
    if attempt is None or attempt.entry is None or any(each["id"] == attempt.entry for each in entries):
        return attempt
    return FailedForm(None, attempt.typed, new_key(), GONE)


def status(attempt: FailedForm | None) -> HTTPStatus:
    """The status of a page with it."""
    if attempt is None:
        return HTTPStatus.OK
    return HTTPStatus.CONFLICT if attempt.clash else HTTPStatus.UNPROCESSABLE_ENTITY
