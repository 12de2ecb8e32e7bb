"""I3: PostgreSQL down is told within two seconds. What ends each wait is shown in tests/services/runtime."""

import pytest

from services.runtime.postgres import database, hang_guard

pytestmark = pytest.mark.usefixtures("usual_patience")
TWO_SECONDS = 2.0


def test_nobody_waits_two_seconds_for_a_connection() -> None:
    for seconds in (database.CONNECT_SECONDS, database.ACQUIRE_SECONDS):
        assert 0 < seconds < TWO_SECONDS


def test_a_server_that_hangs_is_found_out_within_two_seconds() -> None:
    assert hang_guard.LENT_SECONDS + hang_guard._LOOK_SECONDS + hang_guard.PROBE_SECONDS < TWO_SECONDS
