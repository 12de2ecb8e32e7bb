"""The figures of a publication: those of its batches, and what journals tell of the batch that is not counted yet."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.workflow.publications.publications import publication_view

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def figures(**of: Any) -> tuple[Any, ...]:
    """Total, done and changed as the API tells them."""
    row = {"kind": "policy", "subject": "p", "version": 2, "recalculate": True, "state": "running", "id": "pub-1"}
    row |= {"requested_by": "s-1", "requested_at": NOW, "finished_at": None, "excused": 0, "failed": 0}
    view = publication_view({**row, **of})
    return view["total"], view["done"], view["changed"]


@pytest.mark.parametrize(
    ("counted", "entered", "told"),
    [
        ((148, 0, 0), 0, (148, 0, 0)),
        ((148, 0, 0), 30, (148, 30, 30)),
        ((148, 100, 80), 80, (148, 100, 80)),
        ((148, 100, 80), 95, (148, 115, 95)),
        ((148, 140, 140), 150, (150, 150, 150)),
        ((None, 0, 0), 3, (None, 3, 3)),
    ],
)
def test_what_a_batch_has_done_counts_before_its_end(
    counted: tuple[int | None, int, int], entered: int, told: tuple[int | None, int, int]
) -> None:
    total, done, changed = counted
    assert figures(total=total, done=done, changed=changed, entered=entered) == told


def test_a_publication_that_is_over_is_told_as_it_was_counted() -> None:
    assert figures(state="done", total=3, done=3, changed=2) == (3, 3, 2)
