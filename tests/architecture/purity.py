"""Finds what makes a module impure: whatever differs from one run, moment or machine to another.

A workflow's modules are loaded once for all runs of a process, so the sandbox watches none of their names.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import CHECKOUT

OURS = "services"
LIBRARIES = {
    "asyncio",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "pydantic",
    "re",
    "temporalio",
    "temporalio.common",
    "temporalio.exceptions",
    "typing",
    "unicodedata",
}
"""Libraries that a workflow's modules may import, besides each other."""
OF_ASYNCIO = {"Task", "create_task", "get_running_loop"}
"""The loop is the workflow's own; clocks, threads and processes of asyncio are not."""
AWAY = {
    "breakpoint", "compile", "eval", "exec", "globals", "hash", "id", "input", "open", "print", "__builtins__",
    "__import__",
}  # fmt: skip
"""Functions that do input or output, load code, or answer otherwise in another process."""
CLOCKS = {"now", "today", "utcnow"}
"""Methods of the machine's clock; a workflow's own is `workflow.now`."""
LOCAL = {"astimezone": 0, "fromtimestamp": 1}
"""Methods that ask for the machine's time zone when they get no more arguments than these."""
CHANGES = {
    "add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "insert",
    "intersection_update", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update",
}  # fmt: skip
"""Methods that change what they are called on."""
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass
class Module:
    """One module: what it imports, by name, and the names that it binds for all runs."""

    tree: ast.Module
    imports: list[str] = field(default_factory=list)
    shared: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, text: str) -> "Module":
        """Read a module's text."""
        module = cls(ast.parse(text))
        module.imports = [name for node in ast.walk(module.tree) for name in _imported(node)]
        module.shared = {name for node in module.tree.body for name in _bound(node)}
        return module


def reached(start: Mapping[str, Path] | None = None) -> dict[str, Path]:
    """Every module of ours that a workflow brings along, by name; the packages around them included."""
    waiting = list(start or workflows())
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        if name in found or (file := _file(name)) is None:
            continue
        found[name] = file
        waiting += [name.rpartition(".")[0]]
        waiting += [each for each in Module.of(file.read_text(encoding="utf-8")).imports if _is_ours(each)]
    return found


def workflows() -> dict[str, Path]:
    """Every module of ours that defines a workflow, by name."""
    files = (CHECKOUT / OURS).rglob("*.py")
    return {_name(file): file for file in files if "@workflow.defn" in file.read_text(encoding="utf-8")}


def impurities(text: str) -> Iterator[str]:
    """Yields each line of a module's text that not only arguments decide, with its deed."""
    module = Module.of(text)
    for name in module.imports:
        if not _is_ours(name) and name not in LIBRARIES:
            yield f"imports {name}"
    for node in ast.walk(module.tree):
        for deed in _deeds(node):
            yield f"{getattr(node, 'lineno', 0)}: {deed}"
    for scope in _scopes(module.tree):
        for line, name in _changed(scope, module.shared):
            yield f"{line}: changes {name}, which all runs share"


def _deeds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Global(names=names):
            yield f"global {', '.join(names)}"
        case ast.Name(id=name, ctx=ast.Load()) if name in AWAY:
            yield name
        case ast.Attribute(value=ast.Name(id="asyncio"), attr=name) if name not in OF_ASYNCIO:
            yield f"asyncio.{name}"
        case ast.ImportFrom(module="asyncio", names=names):
            yield from (f"asyncio.{alias.name}" for alias in names if alias.name not in OF_ASYNCIO)
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="workflow"), attr="unsafe"), attr=name):
            yield f"workflow.unsafe.{name}"
        case ast.Attribute(value=owner, attr=name) if name in CLOCKS and not _is_the_run(owner):
            yield f"{ast.unparse(owner)}.{name}"
        case ast.Call(func=ast.Attribute(attr=name), args=given, keywords=named) if (
            name in LOCAL and len(given) + len(named) <= LOCAL[name]
        ):
            yield f"{name} in the machine's time zone"


def _changed(scope: _Scope, shared: set[str]) -> Iterator[tuple[int, str]]:
    """Names of `shared` that a function changes: sets an item or a field of, or calls a changing method on."""
    own = set(_own_names(scope))
    for node in ast.walk(scope):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                root = _root(node)
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in CHANGES and not _is_the_run(owner):
                root = _root(owner)
            case _:
                continue
        if root in shared - own:
            yield node.lineno, root


def _own_names(scope: _Scope) -> Iterator[str]:
    """Arguments of a function, and what it binds itself."""
    arguments = scope.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    yield from (argument.arg for argument in every if argument)
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _scopes(tree: ast.Module) -> Iterator[_Scope]:
    return (node for node in ast.walk(tree) if isinstance(node, _Scope))


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_the_run(owner: ast.expr) -> bool:
    return isinstance(owner, ast.Name) and owner.id == "workflow"


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), names=names):
            return [module, *(f"{module}.{alias.name}" for alias in names if _file(f"{module}.{alias.name}"))]
    return []


def _bound(node: ast.stmt) -> list[str]:
    """Names that a statement of a module binds."""
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(alias.asname or alias.name).partition(".")[0] for alias in names]
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == OURS


def _file(name: str) -> Path | None:
    place = CHECKOUT.joinpath(*name.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _name(file: Path) -> str:
    return ".".join(file.relative_to(CHECKOUT).with_suffix("").parts)
