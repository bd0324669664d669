"""Claimed work is dealt evenly; nothing is kept that can't be worked on."""

from hypothesis import given
from hypothesis import strategies as st

from helixnet.stages.dealing import MOST_TOGETHER, SMALL, Appetite, deal

sizes = st.lists(st.integers(0, 3 * SMALL), max_size=80)


@given(sizes=sizes, room=st.integers(1, 8))
def test_every_item_is_dealt_once_or_given_back(sizes: list[int], room: int) -> None:
    items = list(enumerate(sizes))
    batches, surplus = deal(items, room, lambda item: item[1])
    assert sorted([item for batch in batches for item in batch] + surplus) == items
    assert len(batches) <= room
    assert all(batches)
    for batch in batches:
        assert len(batch) == 1 or all(size <= SMALL for _, size in batch)
    if len(batches) < room:
        assert surplus == []


def test_small_items_are_spread_over_hands_that_are_worth_it() -> None:
    """A hand is a transaction of its own: what is next to nothing stays together."""
    batches, _ = deal(range(10), 3, lambda _: 100)
    assert sorted(map(len, batches)) == [10]
    batches, _ = deal(range(10), 3, lambda _: SMALL // 4)
    assert sorted(map(len, batches)) == [3, 3, 4]


def test_appetite_grows_with_small_items_and_ends_with_a_large_one() -> None:
    appetite = Appetite()
    for _ in range(10):
        appetite.learn([1] * 2 * appetite.items, 2 * appetite.items)
    assert appetite.items == MOST_TOGETHER
    appetite.learn([1], 64)
    assert appetite.items == MOST_TOGETHER
    appetite.learn([1, SMALL + 1], 64)
    assert appetite.items == 1
