"""Records of Kafka: whatever stands in them, each is an event or a letter, and nothing raises."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from helixnet.adapters.kafka_records import decode, headers_of, record_of, unsent, value_of
from helixnet.events import Event, Topic, event_id, out_topic

EVENT = Event(
    id=event_id("test", 1),
    type="io.helixnet.test.v1",
    topic=Topic.PARTS,
    key="ключ",
    tenant="acme",
    job="j1",
    seq=7,
    time="2026-11-23T18:30:00.000Z",
    data={"price": Decimal("1.10"), "large": 2**70, "text": "ü"},
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def record(
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
    topic: str = Topic.PARTS,
    offset: int = 0,
) -> "ConsumerRecord[bytes, bytes]":
    return ConsumerRecord(topic, 0, offset, 1, 0, b"k", value, None, 1, 1, tuple(headers))


def sent(event: Event) -> "ConsumerRecord[bytes, bytes]":
    headers = [(name, text.encode()) for name, text in headers_of(event).items()]
    return record(value_of(event), headers, event.topic)


def test_an_event_comes_back_as_it_was() -> None:
    ((_, found),), letters = decode([sent(EVENT)])
    assert (found, letters) == (EVENT, [])
    bare = replace(EVENT, tenant="", job="", seq=0, traceparent="", key="")
    ((_, found),), _ = decode([sent(bare)])
    assert found == bare


def test_the_hash_of_a_document_stands_beside_it() -> None:
    data = {"sha256": "ab" * 32}
    assert headers_of(replace(EVENT, data=data, topic=out_topic("acme", "x")))["ce_hxsha256"]
    assert "ce_hxsha256" not in headers_of(replace(EVENT, data=data))


def test_an_unsent_event_is_the_record_that_it_would_have_been() -> None:
    letter = unsent(EVENT, "collides")
    key, value, headers = record_of(letter)
    assert key == EVENT.key.encode()
    ((_, found),), _ = decode([record(value, list(headers))])
    assert found == EVENT


_HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_type", "ce_specversion", "ce_hxseq", "x"]),
        st.one_of(st.none(), st.binary(max_size=8), st.sampled_from([b"1.0", b"7", b"9" * 5000])),
    ),
    max_size=6,
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Records", "eventName", "s3", "object", "key", "bucket", "size"]),
            inner,
        )
    ),
    max_leaves=12,
)
_VALUES = st.one_of(
    st.none(), st.binary(max_size=20), _JSON.map(lambda value: json.dumps(value).encode())
)


@given(st.lists(st.tuples(_VALUES, _HEADERS), max_size=5), st.sampled_from(list(Topic)))
def test_nothing_that_a_stranger_writes_raises(
    written: list[tuple[bytes | None, list[tuple[str, bytes | None]]]], topic: Topic
) -> None:
    """Every letter keeps its record whole; on helix.drops a record may be no event and no fault."""
    records = [record(v, h, topic, offset) for offset, (v, h) in enumerate(written)]
    found, letters = decode(records)
    places = {item.offset for item, _ in found} | {letter.offset for letter in letters}
    if topic != Topic.DROPS:
        assert len(found) + len(letters) == len(records)
        assert places == set(range(len(records)))
    for letter in letters:
        assert letter.reason
        kept = record_of(letter)
        assert (kept[1], list(kept[2])) == written[letter.offset]


def test_letters_of_one_record_have_one_id() -> None:
    """Read again, or by another group, it is the same letter; another record is another."""
    _, (one,) = decode([record(b"x", [])])
    _, (again,) = decode([record(b"x", [])])
    _, (other,) = decode([record(b"x", [], offset=1)])
    assert one.id == again.id
    assert one.id != other.id


def notification(*objects: dict[str, Any], name: str = "s3:ObjectCreated:Put") -> bytes:
    told = [
        {"eventName": name, "s3": {"bucket": {"name": "land"}, "object": item}} for item in objects
    ]
    return json.dumps({"EventName": name, "Records": told}).encode()


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        (notification({"key": "a+b%2B%C3%BC%25.csv"}), ["a b+ü%.csv"]),
        (notification({"key": "a", "size": 1}, {"key": "b", "versionId": "v"}), ["a", "b"]),
        (notification({"key": "in%2Facme%2F"}), []),
        (notification({"key": "a"}, name="s3:ObjectRemoved:Delete"), []),
        (notification({"key": "a"}, name="ObjectCreated:Put"), ["a"]),
        (b'{"Records": []}', []),
    ],
)
def test_notifications_name_new_objects(value: bytes, keys: list[str]) -> None:
    found, letters = decode([record(value, [], Topic.DROPS)])
    assert [event.data["key"] for _, event in found] == keys
    assert letters == []


@pytest.mark.parametrize(
    "value",
    [
        b"{}",
        b"[]",
        b'{"Records": {}}',
        notification({"key": 7}),
        notification({"key": "%FF"}),
        notification({"key": "a", "size": "big"}),
    ],
)
def test_a_broken_notification_is_a_letter(value: bytes) -> None:
    found, (letter,) = decode([record(value, [], Topic.DROPS)])
    assert found == []
    assert letter.value == value


def test_the_same_notification_is_the_same_event() -> None:
    """MinIO repeats itself; a new version, or a new write, is another drop."""
    one, again, other = (
        decode([record(notification({"key": "a", "sequencer": s}), [], Topic.DROPS)])[0][0][1].id
        for s in ("1", "1", "2")
    )
    assert one == again
    assert one != other
