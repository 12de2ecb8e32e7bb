"""YAML as its author sees it: the values of JSON, and nothing that is read differently from how it looks.

`09:00`, `no`, `1_000` and `2026-10-01` are texts here, as in YAML 1.2, and never minutes, false, a number or a date.
Numbers, true, false and null are spelled as in JSON. What could grow or run is refused: anchors, tags, many documents.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from services.runtime.errors import MalformedJson, MalformedYaml, TooLarge
from services.runtime.http.bodies import DEEPEST, is_storable, parse_literal
from services.runtime.http.source_lines import Notes, Positions, Where

MOST_BYTES = 262_144
_SYNTAX = (
    "{problem}; put texts in quotes that begin with * & ! | > ' \" % @ or `, or hold `: ` or ` #`",
    "YAML 语法有误（{problem}）；以 * & ! | > ' \" % @ 或 ` 开头、或含有“: ”或“ #”的文字请加引号",
)


def parse_yaml(body: bytes) -> tuple[Any, Positions]:
    """Parse a body, and tell where its values stand.

    Raises:
        MalformedYaml: it is no YAML, or more of YAML than is taken; with the line.
        TooLarge: more than 256 KiB.
    """
    if len(body) > MOST_BYTES:
        raise TooLarge
    try:
        reading = _Reading()
        for event in yaml.parse(body.decode("utf-8-sig"), Loader=yaml.CSafeLoader):
            reading.take(event)
    except UnicodeDecodeError as error:
        raise _refused(1, "the text is not UTF-8", "文字不是 UTF-8 编码") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refused(
            mark.line + 1 if mark else 1, *(each.format(problem=error.problem or "no YAML") for each in _SYNTAX)
        ) from error
    except yaml.YAMLError as error:
        raise _refused(1, "the text holds a character that YAML does not know", "文字中有 YAML 不允许的字符") from error
    return reading.root, Positions(reading.notes.lines)


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that has not ended."""

    value: dict[str, Any] | list[Any]
    name: str | None = None

    def place(self) -> int | str:
        return self.name or "" if isinstance(self.value, dict) else len(self.value)

    def add(self, value: Any) -> None:
        if isinstance(self.value, dict):
            self.value[self.name or ""] = value
            self.name = None
        else:
            self.value.append(value)


@dataclass(slots=True)
class _Reading:
    """Builds the values from the parser's events, without recursion."""

    root: Any = None
    notes: Notes = field(default_factory=Notes)
    _stack: list[_Open] = field(default_factory=list)
    _documents: int = 0

    def take(self, event: Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _refused(
                    line, "one document is enough: take out the second ---", "只接受一个文档：请删去第二个 ---"
                )
        elif isinstance(event, NodeEvent):
            _require_plain(event, line)
            self._node(event, line)
        elif isinstance(event, CollectionEndEvent):
            self._end()

    def _node(self, event: NodeEvent, line: int) -> None:
        inside = self._stack[-1] if self._stack else None
        if inside is not None and isinstance(inside.value, dict) and inside.name is None:
            self._name(inside, event, line)
            return
        self.notes.add(self._where(), line)
        if isinstance(event, CollectionStartEvent):
            if len(self._stack) >= DEEPEST:
                raise _refused(line, f"this nests deeper than {DEEPEST} levels", f"嵌套超过 {DEEPEST} 层")
            self._stack.append(_Open({} if isinstance(event, MappingStartEvent) else []))
        elif isinstance(event, ScalarEvent):
            self._add(_value(event, line))

    def _name(self, inside: _Open, event: NodeEvent, line: int) -> None:
        if not isinstance(event, ScalarEvent):
            raise _refused(line, "a name must be a text", "名称必须是文字")
        if not isinstance(inside.value, dict) or event.value in inside.value:
            raise _refused(line, "this name stands here twice", "此处名称重复：请删去一个")
        inside.name = _text(event, line)
        self.notes.add(self._where(), line)

    def _end(self) -> None:
        self._add(self._stack.pop().value)

    def _add(self, value: Any) -> None:
        if self._stack:
            self._stack[-1].add(value)
        else:
            self.root = value

    def _where(self) -> Where:
        return tuple(_places(self._stack))


def _places(stack: list[_Open]) -> Iterator[int | str]:
    return (each.place() for each in stack)


def _require_plain(event: NodeEvent, line: int) -> None:
    if isinstance(event, AliasEvent) or event.anchor is not None:
        raise _refused(
            line,
            "anchors and aliases (& and *) are not taken: write the value out, or put a text in quotes",
            "不接受锚点和别名（& 与 *）：请写出完整的值，文字请加引号",
        )
    if getattr(event, "tag", None) is not None:
        raise _refused(line, "tags (!) are not taken: write a plain value", "不接受标签（!）：请直接写值")


def _value(event: ScalarEvent, line: int) -> Any:
    text = _text(event, line)
    is_plain: bool = event.implicit[0]
    if not is_plain:
        return text
    if text in {"", "~"}:
        return None
    try:
        return parse_literal(text)
    except MalformedJson as error:
        raise _refused(line, "this number is too large", "数字过大") from error


def _text(event: ScalarEvent, line: int) -> str:
    text: str = event.value
    if not is_storable(text):
        raise _refused(line, "NUL is no text", "文字中不能有 NUL 字符")
    return text


def _refused(line: int, english: str, chinese: str) -> MalformedYaml:
    return MalformedYaml(line, {"en": english, "zh": chinese})
