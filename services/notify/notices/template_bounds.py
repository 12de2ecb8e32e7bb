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


class TooDeep(Exception):
    """A template is beyond the bounds; `line` says where, `why` in a sentence, by language."""

    def __init__(self, line: int, *, en: str, zh: str) -> None:
        self.line, self.why = line, {"en": en, "zh": zh}
        super().__init__(en)


def check_bounds(environment: ImmutableSandboxedEnvironment, source: str) -> None:
    """Refuse what would nest deeper, or run on longer, than a text needs.

    Raises:
        TooDeep: with the line.
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
        if len(self.branches) > DEEPEST_IF:
            raise TooDeep(line, en=f"`if` nests deeper than {DEEPEST_IF} levels", zh=f"if 嵌套超过 {DEEPEST_IF} 层")
        if self.branches and self.branches[-1] > MOST_BRANCHES:
            raise TooDeep(
                line,
                en=f"more than {MOST_BRANCHES} `elif` of one `if`",
                zh=f"同一个 if 的 elif 超过 {MOST_BRANCHES} 个",
            )
        if self.brackets > DEEPEST_BRACKETS:
            raise TooDeep(
                line,
                en=f"brackets nest deeper than {DEEPEST_BRACKETS} levels",
                zh=f"括号嵌套超过 {DEEPEST_BRACKETS} 层",
            )
        if self.tokens > MOST_TOKENS:
            raise TooDeep(
                line,
                en=f"an expression of more than {MOST_TOKENS} words and signs",
                zh=f"一个表达式超过 {MOST_TOKENS} 个词和符号",
            )

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
