"""Pairs of documents account for every document; differences lead from one to the other."""

import copy
import hashlib
import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.differences import Entry, changes, pair

TWO_SCALES = {"before": Decimal("1.5"), "after": Decimal("1.50")}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("a/~", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("a/~", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def entries(texts: list[str], *, named: bool) -> list[Entry]:
    """One entry a text ``name=content``, as they follow each other in a file."""
    made = list[Entry]()
    for start, text in enumerate(texts):
        name = text[0].encode() if named else b""
        made.append(Entry(name, hashlib.sha256(text.encode()).digest(), 0, start, len(text)))
    return made


@given(
    before=st.lists(st.text("ab", min_size=2, max_size=2), max_size=8),
    after=st.lists(st.text("ab", min_size=2, max_size=2), max_size=8),
    named=st.booleans(),
)
def test_every_document_is_accounted_for_once(
    before: list[str], after: list[str], *, named: bool
) -> None:
    old, new = entries(before, named=named), entries(after, named=named)
    pairs = pair(old, new)
    assert pairs.unchanged + len(pairs.changed) + len(pairs.removed) == len(old)
    assert pairs.unchanged + len(pairs.changed) + len(pairs.added) == len(new)
    assert all(one.digest != two.digest for one, two in pairs.changed)
    assert all(one.name == two.name for one, two in pairs.changed)
    assert not (pairs.added and pairs.removed) or named
    if not named:
        same = Counter(before) & Counter(after)
        assert pairs.unchanged == same.total()


def test_documents_of_one_key_are_paired_in_their_order() -> None:
    pairs = pair(entries(["ax", "ay", "bx"], named=True), entries(["ay", "cx"], named=True))
    ((old, new),) = pairs.changed
    assert (old.start, new.start) == (0, 0)
    assert [entry.start for entry in pairs.added] == [1]
    assert [entry.start for entry in pairs.removed] == [1, 2]


def test_a_document_that_goes_does_not_move_the_others() -> None:
    """Without a key equal documents belong together, wherever they stand."""
    pairs = pair(entries(["a1", "a2", "a3"], named=False), entries(["a2", "a3"], named=False))
    assert (pairs.unchanged, pairs.changed, pairs.added) == (2, [], [])
    assert [entry.start for entry in pairs.removed] == [0]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [{"pointer": "/a", "before": 1, "after": 2}]),
        ({"a": 1}, {"a": True}, [{"pointer": "/a", "before": 1, "after": True}]),
        ({"a": None}, {}, [{"pointer": "/a", "before": None}]),
        ({}, {"a/~": [1]}, [{"pointer": "/a~1~0", "after": [1]}]),
        (
            [1, [2]],
            [1, [3], 4],
            [
                {"pointer": "/1/0", "before": 2, "after": 3},
                {"pointer": "/2", "after": 4},
            ],
        ),
        ({"a": []}, {"a": {}}, [{"pointer": "/a", "before": [], "after": {}}]),
        (1, "1", [{"pointer": "", "before": 1, "after": "1"}]),
        ([1, 2, 3, 4], [1, 3, 4], [{"pointer": "/1", "before": 2}]),
        ([1, 3, 3], [1, 2, 3, 3], [{"pointer": "/1", "after": 2}]),
        (
            [1, 2, 3, 4],
            [1, 5, 4],
            [{"pointer": "/1", "before": 2, "after": 5}, {"pointer": "/2", "before": 3}],
        ),
        (Decimal("1.5"), Decimal("1.50"), [{"pointer": "", **TWO_SCALES}]),
    ],
)
def test_differences_are_named_by_pointer(
    before: object, after: object, expected: list[dict[str, Any]]
) -> None:
    assert list(changes(before, after)) == expected


@given(before=VALUES, after=VALUES)
def test_differences_lead_from_one_to_the_other(before: Any, after: Any) -> None:
    """Changes and additions in order, then what goes, from the last backwards."""
    found = list(changes(before, after))
    root: Any = {"": copy.deepcopy(before)}
    for change in [c for c in found if "after" in c]:
        place, last = reached(root, change["pointer"])
        if isinstance(place, list) and "before" not in change:
            place.insert(last, change["after"])
        else:
            place[last] = change["after"]
    for change in [c for c in reversed(found) if "after" not in c]:
        place, last = reached(root, change["pointer"])
        del place[last]
    assert canonical(root[""]) == canonical(after)


def reached(root: Any, pointer: str) -> tuple[Any, Any]:
    """Follow a pointer to the place that holds its last step."""
    *steps, last = pointer.split("/")
    place = root
    for step in steps:
        place = place[step_of(place, step)]
    return place, step_of(place, last)


def step_of(place: Any, step: str) -> Any:
    return int(step) if isinstance(place, list) else step.replace("~1", "/").replace("~0", "~")


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
