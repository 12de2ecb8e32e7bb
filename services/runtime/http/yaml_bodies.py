"""YAML as its author sees it: the values of JSON, and nothing that is read differently from how it looks.

`09:00`, `no`, `1_000` and `2026-10-01` are texts here, as in YAML 1.2, and never minutes, false, a number or a date.
Numbers, true, false and null are spelled as in JSON. What could grow or run is refused: anchors, tags, many documents.
"""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
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
        return _document(yaml.parse(body.decode("utf-8-sig"), Loader=yaml.CSafeLoader))
    except UnicodeDecodeError as error:
        raise _refused(1, "the text is not UTF-8", "文字不是 UTF-8 编码") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refused(
            mark.line + 1 if mark else 1, *(each.format(problem=error.problem or "no YAML") for each in _SYNTAX)
        ) from error
    except yaml.YAMLError as error:
        raise _refused(1, "the text holds a character that YAML does not know", "文字中有 YAML 不允许的字符") from error


def _document(events: Iterator[Event]) -> tuple[Any, Positions]:
    root, notes, documents = None, Notes(), 0
    for event in events:
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _refused(
                    _line(event), "one document is enough: take out the second ---", "只接受一个文档：请删去第二个 ---"
                )
        elif isinstance(event, NodeEvent):
            root = _value(event, events, (), notes)
    return root, Positions(notes.lines)


def _value(event: Event, events: Iterator[Event], where: Where, notes: Notes) -> Any:
    """Build the value that begins with `event`, at most `DEEPEST` calls deep."""
    _require_plain(event)
    notes.add(where, _line(event))
    if isinstance(event, ScalarEvent):
        return _scalar(event)
    if len(where) >= DEEPEST:
        raise _refused(_line(event), f"this nests deeper than {DEEPEST} levels", f"嵌套超过 {DEEPEST} 层")
    inside = takewhile(lambda each: not isinstance(each, CollectionEndEvent), events)
    if isinstance(event, MappingStartEvent):
        return _members(inside, events, where, notes)
    return [_value(each, events, (*where, index), notes) for index, each in enumerate(inside)]


def _members(names: Iterator[Event], events: Iterator[Event], where: Where, notes: Notes) -> dict[str, Any]:
    """Build a mapping: behind each of `names` its value comes out of `events`, which both take from."""
    found: dict[str, Any] = {}
    for name in names:
        _require_plain(name)
        if not isinstance(name, ScalarEvent):
            raise _refused(_line(name), "a name must be a text", "名称必须是文字")
        if name.value in found:
            raise _refused(_line(name), "this name stands here twice", "此处名称重复：请删去一个")
        place = (*where, _text(name))
        notes.add(place, _line(name))
        found[name.value] = _value(next(events), events, place, notes)
    return found


def _require_plain(event: Event) -> None:
    if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
        raise _refused(
            _line(event),
            "anchors and aliases (& and *) are not taken: write the value out, or put a text in quotes",
            "不接受锚点和别名（& 与 *）：请写出完整的值，文字请加引号",
        )
    if getattr(event, "tag", None) is not None:
        raise _refused(_line(event), "tags (!) are not taken: write a plain value", "不接受标签（!）：请直接写值")


def _scalar(event: ScalarEvent) -> Any:
    text = _text(event)
    is_plain: bool = event.implicit[0]
    if not is_plain:
        return text
    if text in {"", "~"}:
        return None
    try:
        return parse_literal(text)
    except MalformedJson as error:
        raise _refused(_line(event), "this number is too large", "数字过大") from error


def _text(event: ScalarEvent) -> str:
    text: str = event.value
    if not is_storable(text):
        raise _refused(_line(event), "NUL is no text", "文字中不能有 NUL 字符")
    return text


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _refused(line: int, english: str, chinese: str) -> MalformedYaml:
    return MalformedYaml(line, {"en": english, "zh": chinese})
