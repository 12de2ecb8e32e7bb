"""The place of the real help desk's event log; tests that want it are skipped, visibly, where it is not."""

import os
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).resolve().parents[1]
FILE = Path(os.environ.get("BIHUAN_DATA") or _CHECKOUT.parent / "shared" / "data") / "helpdesk_event_log.csv"

needs_event_log = pytest.mark.skipif(not FILE.exists(), reason=f"no event log at {FILE}: set BIHUAN_DATA to its folder")
