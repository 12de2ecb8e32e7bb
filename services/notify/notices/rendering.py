"""Writes a text from its template: in a sandbox, within bounds, with nothing but what its kind may name.

A template is data that operations edit. Only a small part of Jinja's language is let in: names, `if`, and the filters
here. Without loops and calls, writing takes time in proportion to the template and its facts.

Each line that a person wrote is set between `OPEN` and `CLOSE`, Unicode's own marks of a text apart: whoever lays the
text out knows whose words are whose. They are nobody's else, because what people wrote is cleaned of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, nodes
from jinja2 import Template as Compiled
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.contracts.lines import harmless, visible
from services.contracts.notice import NoticeKind
from services.notify.notices.samples import NAMES, TEXTS, variables
from services.notify.notices.template_bounds import Unwritable, check_bounds
from services.notify.notices.vocabulary import Language, sorts, spoken, word

LONGEST_SUBJECT, LONGEST_TEXT = 200, 60_000
MOST_FILTERS = 100
OPEN, CLOSE = "\u2068", "\u2069"
_MARKS = re.compile(f"[{OPEN}{CLOSE}]")
# The bounds keep the last two away: Python's own refusals of what nests too deep.
_FAILURES = (
    TemplateError, ValueError, TypeError, KeyError, ArithmeticError, AttributeError, RecursionError, SyntaxError,
)  # fmt: skip
_LEGAL = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr, nodes.Filter,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
)  # fmt: skip


class Theirs(str):
    """Words that a person wrote, on their way into a text."""

    __slots__ = ()


@dataclass(frozen=True)
class Template:
    """A subject and a text, as stored; `id` is `<kind>.<language>`, version 0 is the built-in one."""

    kind: NoticeKind
    language: Language
    version: int
    subject: str
    text: str

    @property
    def id(self) -> str:
        """Its name in the API."""
        return f"{self.kind}.{self.language}"


@dataclass(frozen=True)
class Written:
    """A text that a template made of its facts; places for name and links are still open, and people's words marked."""

    subject: str
    text: str


def write(template: Template, facts: Mapping[str, Any], zone: ZoneInfo) -> Written:
    """Write a notice. A fact that was not given is none; a name that the kind does not know is a mistake.

    Raises:
        Unwritable: the template is broken, names what is not there, or grows beyond its bounds.
    """
    known: dict[str, Any] = dict.fromkeys(variables(template.kind))
    environment = _environment(template.language, zone)
    given = {**known, **{name: _given(name, value) for name, value in facts.items() if name in known}}
    subject = _render(environment, template.subject, given, "subject", LONGEST_SUBJECT)
    text = _render(environment, template.text, given, "text", LONGEST_TEXT)
    if not subject.strip() or not text.strip():
        raise Unwritable(en="the text is empty", zh="文本为空")
    return Written(subject=" ".join(subject.split()), text=_tidy(text))


def plain(written: str) -> str:
    """A written text without the marks of whose words are whose."""
    return _MARKS.sub("", written)


def apart(text: str) -> str:
    """Mark each line of what a person wrote."""
    return "\n".join(f"{OPEN}{line}{CLOSE}" if line.strip() else "" for line in text.splitlines())


def _given(name: str, value: Any) -> Any:
    """A fact as a template gets it: what people wrote holds nothing that is not seen, whatever was stored."""
    if not isinstance(value, str):
        return value
    if name in NAMES:
        line = harmless(value)
        return line and Theirs(line)
    return Theirs(visible(value)) if name in TEXTS else value


def _render(
    environment: ImmutableSandboxedEnvironment, source: str, facts: Mapping[str, Any], part: str, most: int
) -> str:
    try:
        return "".join(_bounded(_compiled(environment, plain(source)).generate(facts), most))
    except Unwritable as error:
        raise Unwritable(**error.why, line=error.line, part=part) from error
    except TemplateSyntaxError as error:
        said = error.message or "a syntax error"
        raise Unwritable(en=said, zh=f"模板语法错误：{said}", line=error.lineno, part=part) from error
    except UndefinedError as error:
        said = error.message or "a name that is not known here"
        raise Unwritable(en=said, zh=f"此处没有这个名称：{said}", line=_line_of(error), part=part) from error
    except _FAILURES as error:
        said = type(error).__name__
        raise Unwritable(
            en=f"it cannot be written: {said}", zh=f"无法写出：{said}", line=_line_of(error), part=part
        ) from error


@lru_cache(maxsize=128)
def _compiled(environment: ImmutableSandboxedEnvironment, source: str) -> Compiled:
    """A source that has passed the check; the same few are written thousands of times."""
    check_bounds(environment, source)
    _check(environment.parse(source))
    return environment.from_string(source)


def _check(tree: nodes.Template) -> None:
    """Refuse what a text does not need."""
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _LEGAL):
            name = f"`{type(node).__name__}`"
            raise Unwritable(en=f"{name} is not possible here", zh=f"此处不能使用 {name}", line=node.lineno)
    filters = list(tree.find_all(nodes.Filter))
    if len(filters) > MOST_FILTERS:
        raise Unwritable(
            en=f"more than {MOST_FILTERS} filters are not possible",
            zh=f"过滤器不能超过 {MOST_FILTERS} 个",
            line=filters[MOST_FILTERS].lineno,
        )


def _bounded(pieces: Iterator[str], most: int) -> Iterator[str]:
    length = 0
    for piece in pieces:
        length += len(plain(piece))
        if length > most:
            raise Unwritable(en=f"it grows longer than {most} characters", zh=f"文本超过 {most} 个字符")
        yield piece


@lru_cache(maxsize=64)
def _environment(language: Language, zone: ZoneInfo) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        finalize=_marked,
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(
        words=lambda codes, sort: _in_words(codes, sort, language),
        instant=lambda at: spoken(_instant(at), language, zone),
        quote=_quote,
        listed=_listed,
    )
    return environment


def _marked(value: Any) -> Any:
    return apart(value) if isinstance(value, Theirs) else value


def _in_words(codes: Any, sort: str, language: Language) -> Any:
    if sort not in sorts():
        there_are = ", ".join(sorts())
        raise Unwritable(
            en=f"`{sort}` is no sort of words; there are {there_are}", zh=f"没有 `{sort}` 这类词；有 {there_are}"
        )
    if isinstance(codes, list):
        # Two codes can have one word: what is told once is enough.
        return list(dict.fromkeys(word(str(code), sort, language) for code in codes))
    return word(str(codes), sort, language)


def _instant(at: Any) -> datetime:
    if not isinstance(at, str):
        raise Unwritable(en="`instant` is for instants", zh="`instant` 只用于时间")
    return datetime.fromisoformat(at)


def _quote(written: Any) -> str:
    """Quote what a person wrote, set off from what the system says."""
    lines = apart(str("" if written is None else written).strip()).splitlines()
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _listed(entries: Any) -> str:
    """A list, an entry a line."""
    each: Sequence[Any] = entries if isinstance(entries, list) else [entries]
    return "\n".join(f"- {_marked(entry)}" for entry in each)


def _tidy(text: str) -> str:
    """No more than one empty line in a row, none at the ends: what an `if` left out leaves no hole."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return re.sub("\n{3,}", "\n\n", lines)


def _line_of(error: BaseException) -> int:
    """The template's line in which an error arose; Jinja rewrites tracebacks to them."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
