"""The survey's page `/s/{token}`: opening it records nothing, sending it counts once (semantics.md 25)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from services.contracts.base import format_instant
from services.contracts.survey import Answer, Questionnaire
from services.runtime.errors import Refusal, Unavailable, ValidationFailed
from services.runtime.http.problems import field_errors, problem_response
from services.runtime.pages.forms import Filled, read_form
from services.runtime.pages.frame import page_router, see_other
from services.runtime.pages.language import page_language
from services.survey.answers.answers import UNANSWERED, answer_of, basis_of
from services.survey.answers.questionnaires import misfits
from services.survey.answers.refusals import AlreadyAnswered, AnsweredElsewhere, SurveyClosed
from services.survey.links import token_hash, token_in
from services.survey.pages import forms
from services.survey.service import SurveysDep, SurveyService
from services.survey.states import Row
from services.survey.wording import WORDING
from services.wording import Words

router = page_router()


@dataclass(frozen=True)
class Opened:
    """A survey that somebody opened by its link."""

    surveys: SurveyService
    request: Request
    token: str
    row: Row
    asked: Questionnaire

    @property
    def t(self) -> Words:
        """The reader's language; the feedback's where they state none."""
        return WORDING.speak(page_language(self.request, self.row["language"]))

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer."""
        return self.row["answered_at"] is not None

    @property
    def may_change(self) -> bool:
        """Whether that answer may still be changed here."""
        return self.is_answered and self.surveys.answering.may_change(self.row, self.surveys.answering.now())

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """Answer with a page."""
        values = {"token": self.token, "row": self.row, **values}
        return self.surveys.pages.answer(
            self.request, template, status=status, otherwise=self.row["language"], **values
        )


async def _open(surveys: SurveyService, request: Request, address: str) -> Opened:
    token = token_in(address)
    row = await surveys.queries.find_by_token(token_hash(token))
    asked = await surveys.questionnaires.version(row["questionnaire"], row["questionnaire_version"])
    return Opened(surveys, request, str(token), row, asked)


@router.get("/s/{token}")
async def show_survey(request: Request, surveys: SurveysDep, token: str, change: bool = False) -> Response:
    """Show the questionnaire, or what became of it."""
    opened = await _open(surveys, request, token)
    if token != opened.token:
        return see_other(f"/s/{opened.token}")
    if opened.is_answered and not (change and opened.may_change):
        return _thanks(opened)
    if opened.is_answered:
        return _form(opened, Filled(forms.values(opened.asked, answer_of(opened.row))))
    try:
        surveys.answering.require_open(opened.row, surveys.answering.now())
    except SurveyClosed as closed:
        return opened.show("closed.html", closed.status, code=closed.code, words=())
    return _form(opened, Filled())


@router.post("/s/{token}")
async def take_answer(request: Request, surveys: SurveysDep, token: str) -> Response:
    """Take an answer, from the page or as JSON with the fields of api.md."""
    if hasattr(request.state, "json"):
        return await _take_json(request, surveys, token)
    form = await read_form(request)
    try:
        opened = await _open(surveys, request, token)
        answer = forms.read(form, opened.asked, opened.t)
        await _record(surveys, opened.row, answer, form.one("basis") or None)
    except forms.Wrong as wrong:
        return _form(opened, Filled(forms.typed(form, opened.asked), wrong.errors), status=ValidationFailed.status)
    except SurveyClosed as closed:
        return opened.show("closed.html", closed.status, code=closed.code, words=forms.words(form, opened.asked))
    except AlreadyAnswered as refusal:
        return opened.show("answered.html", refusal.status, words=forms.words(form, opened.asked))
    except AnsweredElsewhere as refusal:
        anew = await _open(surveys, request, token)
        return _form(anew, Filled(forms.typed(form, anew.asked)), status=refusal.status)
    except Unavailable as refusal:
        again: dict[str, Any] = {"action": f"/s/{token_in(token)}", "typed": form.typed().items()}
        return surveys.pages.answer(request, "send_again.html", status=refusal.status, headers=refusal.headers, **again)
    return see_other(f"/s/{opened.token}")


async def _take_json(request: Request, surveys: SurveyService, token: str) -> Response:
    """The same for apps: refusals are problem documents."""
    language = request.headers.get("accept-language")
    try:
        opened = await _open(surveys, request, token)
        answer = _answer_in(request, opened.asked)
        await _record(surveys, opened.row, answer)
        row = await surveys.queries.find(opened.row["id"])
    except Refusal as refusal:
        return problem_response(refusal, language)
    final_at = row["answered_at"] + surveys.settings.survey_edit_window
    told = {"state": row["state"], "answer": answer_of(row).model_dump(mode="json")}
    instants = {"answered_at": format_instant(row["answered_at"]), "final_at": format_instant(final_at)}
    return JSONResponse({"ticket_no": row["ticket_no"], **told, **instants}, headers={"Cache-Control": "no-store"})


def _answer_in(request: Request, asked: Questionnaire) -> Answer:
    try:
        answer = Answer.model_validate(request.state.json)
    except ValidationError as error:
        raise ValidationFailed(field_errors(error.errors(), request.headers.get("accept-language"))) from error
    if errors := misfits(asked, answer):
        raise ValidationFailed(errors)
    return answer


async def _record(surveys: SurveyService, row: Row, answer: Answer, basis: str | None = None) -> None:
    """The first answer takes one statement; every other one, or a survey that has changed since, a careful look."""
    if basis in {None, UNANSWERED} and await surveys.answering.first(surveys.database, row, answer):
        return
    async with surveys.database.begin() as connection:
        await surveys.answering.by_customer(connection, row["id"], answer, basis)


def _form(opened: Opened, filled: Filled, status: int = 200) -> Response:
    t = opened.t
    labels: Mapping[str, str] = {it.id: forms.said(it.words, t) for it in opened.asked.questions}
    return opened.show(
        "survey.html",
        status,
        form=filled,
        title=forms.said(opened.asked.title, t),
        labels=labels,
        basis=basis_of(opened.row),
        elsewhere=status == AnsweredElsewhere.status,
        questions=[(question, forms.options(question, t)) for question in opened.asked.questions],
        change_until=_change_until(opened) if opened.is_answered else None,
    )


def _thanks(opened: Opened) -> Response:
    call_by = opened.row["changed_at"] + opened.surveys.settings.low_rating_call_within
    until = _change_until(opened) if opened.may_change else None
    return opened.show("thanks.html", call_by=call_by if opened.row["low"] else None, change_until=until)


def _change_until(opened: Opened) -> Any:
    return opened.row["answered_at"] + opened.surveys.settings.survey_edit_window
