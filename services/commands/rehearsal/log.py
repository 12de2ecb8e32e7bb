"""A help desk's event log: a CSV file with one event a line, read as cases."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_COLUMNS = {
    "Case ID": "case_id",
    "Activity": "activity",
    "Resource": "resource",
    "Complete Timestamp": "completed_at",
    "customer": "customer",
    "product": "product",
    "responsible_section": "section",
    "seriousness_2": "seriousness",
    "service_type": "service_type",
}
_TIMESTAMPS = ("%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S")


class LogUnreadable(Exception):
    """The file is not an event log; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class LogEvent:
    """One line of the log. `completed_at` is local time of the desk, of use for the order alone."""

    case_id: str
    activity: str
    resource: str
    completed_at: datetime
    customer: str
    product: str
    section: str
    seriousness: str
    service_type: str


@dataclass(frozen=True)
class Case:
    """The events of one case in the order of their times; those of one instant in the order of the file."""

    id: str
    events: Sequence[LogEvent]


def read(file: Path) -> Sequence[Case]:
    """Read the cases of a log in the order in which the file first names them.

    Raises:
        LogUnreadable: there is no such file, a column is missing or a line makes no sense.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return _cases(csv.DictReader(lines), file)
    except OSError as error:
        raise LogUnreadable(f"{file} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise LogUnreadable(f"{file} is not a CSV file in UTF-8: {error}.") from None


def _cases(reader: "csv.DictReader[str]", file: Path) -> Sequence[Case]:
    missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise LogUnreadable(f"{file} is not an event log: it has no column {', '.join(missing)}.")
    events: dict[str, list[LogEvent]] = {}
    for line in reader:
        event = _event(line, f"{file}, line {reader.line_num}")
        events.setdefault(event.case_id, []).append(event)
    return [Case(id_, _in_order(of_case)) for id_, of_case in events.items()]


def _event(line: Mapping[str, str | None], place: str) -> LogEvent:
    values = {name: (line[column] or "").strip() for column, name in _COLUMNS.items()}
    if not values["case_id"] or not values["activity"]:
        raise LogUnreadable(f"{place}: an event has a case and an activity.")
    completed_at = _instant(values.pop("completed_at"), place)
    return LogEvent(completed_at=completed_at, **values)


def _instant(text: str, place: str) -> datetime:
    for written in _TIMESTAMPS:
        try:
            return datetime.strptime(text, written)  # noqa: DTZ007 - the log does not say its zone; only the order counts
        except ValueError:
            continue
    raise LogUnreadable(f"{place}: {text!r} is not a time like 2012/07/05 08:30:32.000.")


def _in_order(events: Iterable[LogEvent]) -> Sequence[LogEvent]:
    return sorted(events, key=lambda event: event.completed_at)
