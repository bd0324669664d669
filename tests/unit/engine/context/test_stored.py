"""``record_length`` and ``as``: what is read, and every mistake with its place."""

from collections.abc import Callable

import pytest

from helixnet.engine.context.model import RecordLength
from helixnet.engine.context.reader import ReadContext

HEAD = "helixnet: 1\nname: a\nversion: 1.0.0\ntarget: true\nmap: {a: A}\n"
Read = Callable[..., ReadContext]


def fixed(more: str, field: str = '{at: "0:2"}') -> str:
    return f"{HEAD}source: {{format: fixed, {more}, fields: {{A: {field}}}}}\n"


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("80", RecordLength(80)),
        ("rdw", RecordLength(prefix="rdw")),
        ("bdw", RecordLength(prefix="bdw")),
        ("{bytes: 80}", RecordLength(80)),
        ("{bytes: 80, end: crlf}", RecordLength(80, b"\r\n")),
        ("{bytes: 80, end: nel}", RecordLength(80, b"\x15")),
        (
            "{prefix: rdw, order: little, counts: data}",
            RecordLength(prefix="rdw", little=True, own=False),
        ),
        ("{prefix: rdw, order: big, counts: all}", RecordLength(prefix="rdw")),
    ],
)
def test_a_record_length(read: Read, written: str, length: RecordLength) -> None:
    context = read(fixed(f"record_length: {written}")).context
    assert context is not None
    assert context.source.record_length == length


@pytest.mark.parametrize(
    ("field", "type_", "stored", "scale", "signed"),
    [
        ('{at: "0:2", as: comp-3}', "integer", "packed", None, True),
        ('{at: "0:2", as: packed, scale: 2}', "decimal", "packed", 2, True),
        ('{at: "0:2", as: display, type: decimal}', "decimal", "zoned", 0, True),
        ('{at: "0:2", as: comp, signed: false}', "integer", "binary", None, False),
        ('{at: "0:2", as: comp-5}', "integer", "binary-le", None, True),
        ('{at: "0:2", as: zoned, type: date, format: "%Y%m%d"}', "date", "zoned", None, True),
    ],
)
def test_a_stored_number(
    read: Read, field: str, type_: str, stored: str, scale: int | None, *, signed: bool
) -> None:
    context = read(fixed("record_length: 8", field)).context
    assert context is not None
    found = (context.source.fields or {})["A"]
    assert (found.type, found.stored, found.scale, found.signed) == (type_, stored, scale, signed)


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ("record_length: 0", '{at: "0:2"}', "`record_length` is an integer from 1"),
        ("record_length: rwd", '{at: "0:2"}', "`record_length` is an integer from 1"),
        ("record_length: [1]", '{at: "0:2"}', "`record_length` is no list"),
        ("record_length: {end: lf}", '{at: "0:2"}', "`record_length` has `bytes` or `prefix`"),
        ("record_length: {bytes: 2, order: big}", '{at: "0:2"}', "`order` does not go with these"),
        ("record_length: {prefix: bdw, order: big}", '{at: "0:2"}', "`order` does not go with"),
        ("record_length: 1", '{at: "0:2"}', "`fields.A` ends behind the record of 1 bytes"),
        ("record_length: 2, unit: characters", '{at: "0:2"}', "`unit` goes with lines"),
        ("record_length: 2, encoding: [cp037, cp273]", '{at: "0:2"}', "`encoding` is one of"),
        ("record_length: bdw, fill_down: [A]", '{at: "0:2"}', "`fill_down` does not go with"),
        ("unit: bytes", '{at: "0:2", as: packed}', "`fields.A` may hold any byte"),
        ("record_length: 99", '{at: "0:17", as: comp}', "`fields.A` has more than 16 bytes"),
        ("record_length: 99", '{at: "0:30", as: packed}', "`fields.A` has more than 20 bytes"),
        ("record_length: 9", '{at: "0:2", as: comp-1}', "`as` can't be `comp-1`"),
        ("record_length: 9", '{at: "0:2", as: comp, type: string}', "`as` does not go with `type"),
        ("record_length: 9", '{at: "0:2", signed: false}', "`signed` needs `as`"),
    ],
)
def test_a_mistake_is_told(read: Read, more: str, field: str, words: str) -> None:
    problems = [one.message for one in read(fixed(more, field)).problems]
    assert any(one.startswith(words) for one in problems), problems


def test_stored_numbers_are_of_fixed_width_files(read: Read) -> None:
    found = read(f"{HEAD}source: {{format: csv, fields: {{A: {{as: packed}}}}}}\n").problems
    assert [one.message for one in found] == ["`as` does not go with this format"]


def test_groups_are_not_formed_of_blocks(read: Read) -> None:
    text = fixed("record_length: bdw").replace("map: {a: A}", "map: {a: h.A}\ngroup: {by: A}")
    assert any("does not go with `record_length: bdw`" in p.message for p in read(text).problems)
