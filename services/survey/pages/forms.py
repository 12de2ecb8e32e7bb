"""Between a page's form and an answer: the same fields, spelled as a form can."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from services.contracts.survey import BUILT_IN, OVERALL, Answer, Overall, Question, Questionnaire, QuestionType
from services.runtime.http.problems import field_errors
from services.runtime.pages.forms import Form
from services.survey.answers.questionnaires import misfits, pointer_of, value_of
from services.wording import Words

_SPOKEN = {"yes": True, "true": True, "no": False, "false": False}
_NUMBERS = frozenset({QuestionType.SCALE, QuestionType.WORDS, QuestionType.ZERO_TO_TEN})
_TOO_LONG = "string_too_long"

Option = tuple[str | int, str] | tuple[str | int, str, str]


class Wrong(Exception):
    """A form that is no answer yet: what is wrong, by question."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = errors
        super().__init__(*errors)


def read(form: Form, questionnaire: Questionnaire, t: Words) -> Answer:
    """The answer that a form holds. A score's field is called `attitude`, `scores.attitude` or `scores[attitude]`.

    Raises:
        Wrong: questions that are not answered, or not in a way that counts.
    """
    raw: dict[str, Any] = {"scores": {}, "other": {}}
    for question in questionnaire.questions:
        if value := _given(form, question):
            _place(raw, question)[question.id] = _typed(question, value)
    try:
        answer = Answer.model_validate(raw)
    except ValidationError as error:
        raise Wrong(_by_question(field_errors(error.errors()), questionnaire, t)) from error
    if errors := misfits(questionnaire, answer):
        raise Wrong(_by_question(errors, questionnaire, t))
    return answer


def values(questionnaire: Questionnaire, answer: Answer) -> dict[str, str]:
    """An answer as the fields of a form."""
    spoken = {True: "yes", False: "no"}
    given = {question.id: value_of(question, answer) for question in questionnaire.questions}
    return {
        name: spoken[value] if isinstance(value, bool) else str(value)
        for name, value in given.items()
        if value is not None
    }


def typed(form: Form, questionnaire: Questionnaire) -> dict[str, str]:
    """Keep what was filled in, to show it again."""
    return {question.id: _given(form, question) for question in questionnaire.questions}


def words(form: Form, questionnaire: Questionnaire) -> list[str]:
    """The texts that were written, for a page that has no form any more."""
    written = (_given(form, question) for question in questionnaire.questions if question.type is QuestionType.TEXT)
    return [text for text in written if text]


def options(question: Question, t: Words) -> Sequence[Option]:
    """The choices of a question; the best first, but for the likelihood, which is read from 0 to 10."""
    if question.id == OVERALL:
        return [(word.value, t(f"words.{word.score}")) for word in Overall]
    if question.type is QuestionType.WORDS:
        return [(score, t(f"words.{score}")) for score in range(5, 0, -1)]
    if question.type is QuestionType.SCALE:
        return [(score, str(score), t(f"scale.{score}")) for score in range(1, 6)]
    if question.type is QuestionType.ZERO_TO_TEN:
        return [(number, str(number)) for number in range(11)]
    if question.type is QuestionType.YES_NO:
        return [("yes", t("yes")), ("no", t("no"))]
    return [(choice.id, said(choice.words, t)) for choice in question.choices]


def said(words: Mapping[str, str], t: Words) -> str:
    """Words of a questionnaire in the reader's language; in whatever language there is otherwise."""
    return words.get(t.language) or next(iter(words.values()), "")


def _given(form: Form, question: Question) -> str:
    names = (question.id, f"scores.{question.id}", f"scores[{question.id}]")
    return next((value for name in names if (value := form.one(name))), "")


def _place(raw: dict[str, Any], question: Question) -> dict[str, Any]:
    if question.is_dimension:
        return raw["scores"]  # type: ignore[no-any-return]
    return raw if question.id in BUILT_IN else raw["other"]


def _typed(question: Question, value: str) -> str | int | bool:
    if question.type is QuestionType.YES_NO:
        return _SPOKEN.get(value.lower(), value)
    if question.type in _NUMBERS and question.id != OVERALL and value.isascii() and value.isdigit():
        return int(value[:9])
    return value


def _by_question(errors: Sequence[Any], questionnaire: Questionnaire, t: Words) -> dict[str, str]:
    codes = {error["pointer"]: error["code"] for error in errors}
    found = {}
    for question in questionnaire.questions:
        if code := codes.get(pointer_of(question)):
            found[question.id] = t(_phrase(question, code))
    return found


def _phrase(question: Question, code: str) -> str:
    if question.type is not QuestionType.TEXT:
        return "survey.required"
    return "survey.too_long" if code == _TOO_LONG else "survey.written"
