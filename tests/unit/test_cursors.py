"""Cursors are forged by callers: what cannot be a position is refused at `/cursor`, in one place for every list."""

from datetime import UTC, datetime

import pytest

from services.runtime.errors import ValidationFailed
from services.runtime.http.paging import cursor_instant, decode_cursor, encode_cursor


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-30T18:00:00+08:00", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        ("2026-11-30T10:00:00.000001Z", datetime(2026, 11, 30, 10, 0, 0, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999+00:00", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("0001-01-01T00:00:00-00:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_of_a_position_is_read_in_utc(written: str, read: datetime) -> None:
    assert decode_cursor(encode_cursor([written, "x"]), datetime, str) == [read, "x"]
    assert cursor_instant(written).utcoffset() == read.utcoffset()


@pytest.mark.parametrize(
    "written",
    [
        "9999-12-31T23:59:59.999999-23:59",
        "9999-12-31T23:59:59.999999-00:01",
        "0001-01-01T00:00:00+23:59",
        "0001-01-01T00:00:00+00:01",
        "2026-11-30T18:00:00",
        "2026-11-30",
        "2026-02-30T00:00:00Z",
        "",
        "now",
        20261130,
        None,
        ["2026-11-30T18:00:00Z"],
    ],
)
def test_an_instant_that_has_no_place_in_utc_is_refused(written: object) -> None:
    with pytest.raises(ValidationFailed) as refused:
        decode_cursor(encode_cursor([written, "x"]), datetime, str)
    assert refused.value.errors[0]["pointer"] == "/cursor"
