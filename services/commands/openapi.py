"""`python -m services.run openapi`: the merged API document."""

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.local.terminal import complain
from services.commands.serve import public_app
from services.notify.webhooks import messages
from services.runtime.role_parts import Part
from services.runtime.settings import RuntimeSettings

APIS = (
    "services.intake.api.registration",
    "services.intake.api.feedback",
    "services.intake.api.customers",
    "services.intake.api.audit",
    "services.intake.api.links",
    "services.workflow.api.tickets",
    "services.workflow.api.calendars",
    "services.workflow.api.policies",
    "services.workflow.api.publications",
    "services.directory.api.sign_in",
    "services.directory.api.staff",
    "services.directory.api.on_call",
    "services.notify.api.notices",
    "services.notify.api.alerts",
    "services.notify.api.ladders",
    "services.notify.api.hours",
    "services.notify.api.webhooks",
    "services.survey.api.surveys",
)
"""Modules whose `router` is a part of the public API."""


def command(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; without, it is printed.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only tell whether FILE is up to date.")] = False,
) -> None:
    """Generate the OpenAPI document of all services."""
    text = json.dumps(document(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    if file is None:
        typer.echo(text, nl=False)
    elif not check:
        file.write_text(text, encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != text:
        complain(f"{file} is not what the code says: run `python -m services.run openapi {file}` and commit it.")
        raise typer.Exit(1)


def document() -> dict[str, Any]:
    """The document as a process with every public role serves it; needs no database."""
    parts = [Part(name=name, routers=[import_module(name).router]) for name in APIS]
    sent = Part(name="webhooks", webhooks=[messages.router])
    return public_app([*parts, sent], RuntimeSettings(), None).openapi()
