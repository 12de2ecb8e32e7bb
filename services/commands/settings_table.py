"""`python -m services.run settings-table`: the table of docs/settings.md, from the code."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from services.commands.local.terminal import complain
from services.console.settings import ConsoleSettings
from services.directory.settings import DirectorySettings
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from services.runtime.settings import RuntimeSettings
from services.runtime.stack.settings import StackSettings
from services.survey.settings import SurveySettings
from services.workflow.settings import WorkflowSettings

_GROUPS: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("`make up`", StackSettings),
    ("every process", RuntimeSettings),
    ("intake, relay", IntakeSettings),
    ("tickets, tickets-worker", WorkflowSettings),
    ("directory", DirectorySettings),
    ("notify, notify-worker", NotifySettings),
    ("survey, survey-worker", SurveySettings),
    ("console", ConsoleSettings),
)
_PLACE = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def command(
    file: Annotated[
        Path | None, typer.Argument(help="A Markdown file with <!-- settings --> and <!-- /settings -->; written.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only tell whether FILE is up to date.")] = False,
) -> None:
    """Print the table of settings, or put it into a Markdown file."""
    if file is None:
        typer.echo(table(), nl=False)
        return
    before = file.read_text(encoding="utf-8")
    after = _PLACE.sub(lambda marks: f"{marks[1]}{table()}{marks[2]}", before)
    if not check:
        file.write_text(after, encoding="utf-8")
    elif after != before or not _PLACE.search(before):
        complain(
            f"The settings in {file} are not those of the code: run `python -m services.run settings-table {file}`."
        )
        raise typer.Exit(1)


def table() -> str:
    """The settings by who reads them, each once; a secret's default is not shown."""
    rows = ["| variable | default | meaning | read by |", "| --- | --- | --- | --- |"]
    for readers, settings in _GROUPS:
        inherited = {name for base in settings.__mro__[1:] for name in getattr(base, "model_fields", {})}
        for name, field in settings.model_fields.items():
            if name not in inherited:
                rows.append(f"| `{_variable(name, field)}` | {_default(field)} | {field.description} | {readers} |")
    return "\n".join(rows) + "\n"


def _variable(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return alias if isinstance(alias, str) else f"BIHUAN_{name.upper()}"


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is None or default == "" or isinstance(default, SecretStr):
        return ""
    if isinstance(default, timedelta):
        return f"`{TypeAdapter(timedelta).dump_python(default, mode='json')}`"
    return f"`{int(default) if isinstance(default, bool) else default}`"
