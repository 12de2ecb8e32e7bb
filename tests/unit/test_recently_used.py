"""A memory keeps the things that were used last, and no more of them than it may."""

from services.runtime.recently_used import RecentlyUsed


def test_use_that_lies_farthest_back_makes_room() -> None:
    kept: RecentlyUsed[str, int] = RecentlyUsed(2)
    assert kept.keep("a", 1) == 1
    kept.keep("b", 2)
    assert kept.get("a") == 1
    kept.keep("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c"), len(kept)) == (1, None, 3, 2)


def test_newer_thing_takes_the_place_of_the_older_one_of_its_key() -> None:
    kept: RecentlyUsed[str, int] = RecentlyUsed(2)
    kept.keep("a", 1)
    kept.keep("b", 2)
    kept.keep("a", 3)
    kept.keep("c", 4)
    assert (kept.get("a"), kept.get("b"), kept.get("c"), len(kept)) == (3, None, 4, 2)
