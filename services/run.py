"""The one entry: `python -m services.run COMMAND`, or `python -m services.run ROLE...` for a process of those roles."""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer

from services import commands
from services.contracts.names import Role

_ROLES = [role.value for role in Role]


def main() -> None:
    """Run the roles or the command that the command line names."""
    words = sys.argv[1:]
    if words and words[0] in _ROLES:
        words = ["serve", *words]
    _command_line(words[0] if words else "")(words, prog_name="python -m services.run")


def _command_line(wanted: str) -> typer.Typer:
    """Build the command line with the wanted command alone, else with all: importing each takes its time."""
    app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback(help=f"Bihuan. Roles of a process, one or more: {', '.join(_ROLES)}; or one of the commands.")(
        _nothing
    )
    names = {name.replace("_", "-"): name for name in _command_modules()}
    for shown, name in {wanted: names[wanted]}.items() if wanted in names else names.items():
        app.command(shown)(import_module(f"services.commands.{name}").command)
    return app


def _command_modules() -> list[str]:
    """Name the modules that are commands; what they share lies in the package `local`."""
    return [module.name for module in iter_modules(commands.__path__) if not module.ispkg]


def _nothing() -> None:
    """Make the program one of commands, even when only one is loaded."""


if __name__ == "__main__":
    main()
