"""Bounds of a template's depth and length: Jinja parses by recursion, and Python compiles by recursion what it makes.

Tokens are counted before anything is parsed, so that a text that goes too deep is refused with its line.
"""

from dataclasses import dataclass, field

from jinja2.sandbox import ImmutableSandboxedEnvironment

DEEPEST_IF, MOST_BRANCHES = 20, 50
DEEPEST_BRACKETS, MOST_TOKENS = 10, 100
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_BEGINS, _ENDS = frozenset({"block_begin", "variable_begin"}), frozenset({"block_end", "variable_end"})
_LEFT_OUT = frozenset({"whitespace", "comment", "comment_begin", "comment_end", "data"})


class Unwritable(Exception):
    """A text cannot be made of its template; `line` says where, `why` in a sentence, by language."""

    def __init__(self, *, en: str, zh: str, line: int = 1, part: str = "text") -> None:
        self.why, self.line, self.part = {"en": en, "zh": zh}, line, part
        super().__init__(en)


def check_bounds(environment: ImmutableSandboxedEnvironment, source: str) -> None:
    """Refuse what would nest deeper, or run on longer, than a text needs.

    Raises:
        Unwritable: with the line.
        TemplateSyntaxError: it cannot be cut into tokens.
    """
    measure = _Measure()
    for line, sort, text in environment.lex(source):
        if sort not in _LEFT_OUT:
            measure.take(line, sort, text)


@dataclass
class _Measure:
    """The state of reading the tokens."""

    branches: list[int] = field(default_factory=list)
    """Of each `if` that is open: its `elif`s."""
    brackets: int = 0
    tokens: int = 0

    def take(self, line: int, sort: str, text: str) -> None:
        if sort in _BEGINS or sort in _ENDS:
            self.tokens = self.brackets = 0
            return
        self.tokens += 1
        self._nest(text)
        elifs = self.branches[-1] if self.branches else 0
        for reached, most, en, zh in (
            (len(self.branches), DEEPEST_IF, "`if` nests deeper than {} levels", "if 嵌套超过 {} 层"),
            (elifs, MOST_BRANCHES, "more than {} `elif` of one `if`", "同一个 if 的 elif 超过 {} 个"),
            (self.brackets, DEEPEST_BRACKETS, "brackets nest deeper than {} levels", "括号嵌套超过 {} 层"),
            (self.tokens, MOST_TOKENS, "an expression of more than {} words and signs", "一个表达式超过 {} 个词和符号"),
        ):
            if reached > most:
                raise Unwritable(en=en.format(most), zh=zh.format(most), line=line)

    def _nest(self, text: str) -> None:
        if text in _OPENING:
            self.brackets += 1
        elif text in _CLOSING:
            self.brackets -= 1
        if self.tokens > 1:
            return
        # The first word of a tag is its name.
        if text == "if":
            self.branches.append(0)
        elif text == "endif" and self.branches:
            self.branches.pop()
        elif text == "elif" and self.branches:
            self.branches[-1] += 1
