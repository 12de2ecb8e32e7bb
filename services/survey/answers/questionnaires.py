"""Questionnaires: the built-in ones, their stored versions, and whether an answer fits one."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.survey import BUILT_IN, Answer, Question, Questionnaire, QuestionType
from services.runtime.errors import FieldError
from services.runtime.postgres.database import Database
from services.survey.tables import questionnaires
from services.survey.wording import WORDING

_FOLDER = Path(__file__).parents[1] / "packs"
DEFAULT = "d0"
_MOST_KEPT = 200


def built_in() -> list[Questionnaire]:
    """The questionnaires of the packs. Changing one means raising its version: older invitations keep theirs."""
    return [
        Questionnaire.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        for file in sorted(_FOLDER.glob("*.yaml"))
    ]


class Questionnaires:
    """Stored versions, which never change and are kept in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, int], Questionnaire] = {}

    async def seed(self) -> None:
        """Store the built-in versions that are not there yet; safe to repeat and to race."""
        rows = [{"id": it.id, "version": it.version, "body": it.model_dump(mode="json")} for it in built_in()]
        async with self._database.begin() as connection:
            await connection.execute(insert(questionnaires).on_conflict_do_nothing(), rows)

    async def ids(self) -> list[tuple[str, int]]:
        """Every questionnaire with its latest version."""
        latest = func.max(questionnaires.c.version)
        query = select(questionnaires.c.id, latest).group_by(questionnaires.c.id).order_by(questionnaires.c.id)
        async with self._database.read() as connection:
            return [(id_, version) for id_, version in await connection.execute(query)]

    async def version(self, id_: str, version: int) -> Questionnaire:
        """One stored version."""
        known = self._known.get((id_, version))
        if known is None:
            async with self._database.read() as connection:
                mine = (questionnaires.c.id == id_) & (questionnaires.c.version == version)
                body = await connection.scalar(select(questionnaires.c.body).where(mine))
            known = Questionnaire.model_validate(body)
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[id_, version] = known
        return known


async def latest(connection: AsyncConnection, id_: str | None) -> tuple[str, int]:
    """The newest version of a policy's questionnaire. D1 to D3 ask what D0 asks, and so does a name nobody knows."""
    query = (
        select(questionnaires.c.id, questionnaires.c.version)
        .where(questionnaires.c.id.in_({id_ or DEFAULT, DEFAULT}))
        .order_by(questionnaires.c.id != (id_ or DEFAULT), questionnaires.c.version.desc())
        .limit(1)
    )
    found = (await connection.execute(query)).one()
    return found.id, found.version


def misfits(questionnaire: Questionnaire, answer: Answer) -> list[FieldError]:
    """Faults that keep an answer from fitting its questionnaire, in the order of the questions."""
    return [
        {"pointer": pointer, "code": code, "message": WORDING.told("wrong", code)}
        for pointer, code in (*_unfit(questionnaire, answer), *_unasked(questionnaire, answer))
    ]


def pointer_of(question: Question) -> str:
    """The pointer to a question's answer in the body."""
    if question.is_dimension:
        return f"/scores/{question.id}"
    return f"/{question.id}" if question.id in BUILT_IN else f"/other/{question.id}"


def value_of(question: Question, answer: Answer) -> bool | int | str | None:
    """The answer to a question; None for none."""
    if question.is_dimension:
        return answer.scores.get(question.id)
    if question.id in BUILT_IN:
        given: bool | int | str | None = getattr(answer, question.id)
        return given
    return answer.other.get(question.id)


def _unfit(questionnaire: Questionnaire, answer: Answer) -> Iterator[tuple[str, str]]:
    for question in questionnaire.questions:
        value = value_of(question, answer)
        if value in {None, ""} and question.required:
            yield pointer_of(question), "required"
        elif value is not None and (fault := _fault(question, value)):
            yield pointer_of(question), fault


def _fault(question: Question, value: bool | int | str) -> str | None:
    """Built-in questions and dimensions have their types from `Answer`; the others are looked at here."""
    if question.is_dimension or question.id in BUILT_IN:
        return None
    if question.type is QuestionType.CHOICE:
        return None if value in {choice.id for choice in question.choices} else "unknown_choice"
    fits = {
        QuestionType.TEXT: isinstance(value, str),
        QuestionType.YES_NO: isinstance(value, bool),
        QuestionType.ZERO_TO_TEN: type(value) is int and 0 <= value <= 10,  # noqa: PLR2004 - the scale's name
    }
    return None if fits.get(question.type, False) else "wrong_type"


def _unasked(questionnaire: Questionnaire, answer: Answer) -> Iterator[tuple[str, str]]:
    asked = {pointer_of(question) for question in questionnaire.questions}
    given = [f"/scores/{id_}" for id_ in answer.scores] + [f"/other/{id_}" for id_ in answer.other]
    given += [f"/{id_}" for id_ in BUILT_IN if getattr(answer, id_) is not None]
    for pointer in given:
        if pointer not in asked:
            yield pointer, "unknown_field"
