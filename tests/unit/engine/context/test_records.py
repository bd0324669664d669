"""``source.records`` and ``format: fixed``: what is read, and each mistake at its place."""

from collections.abc import Callable

import pytest

from helixnet.engine.context.model import RecordType
from helixnet.engine.context.reader import ReadContext

HEAD = """helixnet: 1
name: test
version: 1.0.0
target: true
map: {a: '"x"'}
"""
FIXED = "source:\n  format: fixed\n"


def found(read: Callable[..., ReadContext], text: str) -> list[tuple[int, int, str]]:
    """Line (from the one after ``source:``), column and code of each problem."""
    problems = read(HEAD + text).problems
    return [(p.mark.line - HEAD.count("\n") - 2, p.mark.column, p.code) for p in problems]


def types(read: Callable[..., ReadContext], text: str) -> dict[str, RecordType]:
    """Return the types of a context without problems."""
    result = read(HEAD + text)
    assert result.problems == []
    assert result.context is not None
    return dict(result.context.source.records or {})


def test_places_of_fixed_width_fields(read: Callable[..., ReadContext]) -> None:
    text = f'{FIXED}  unit: bytes\n  fields: {{A: {{at: "0:3"}}, B: {{at: 3:9, type: decimal}}}}\n'
    result = read(HEAD + text)
    assert result.problems == []
    assert result.context is not None
    source = result.context.source
    assert {name: field.at for name, field in (source.fields or {}).items()} == {
        "A": (0, 3),
        "B": (3, 9),
    }
    assert source.unit == "bytes"


def test_what_a_type_leaves_out(read: Callable[..., ReadContext]) -> None:
    """``is`` is the name of the type, ``at`` that of the type above."""
    text = f"""{FIXED}  records:
    H: {{at: "2:4", is: "H ", fields: {{NO: {{at: "4:9"}}}}, children: D}}
    D: {{is: [D1, D2], fields: {{SKU: {{at: "4:9"}}}}}}
    T: {{at: "0:1", once: true}}
    U: {{once: true}}
"""
    read_types = types(read, text)
    assert [(t.at, t.texts, t.children, t.once) for t in read_types.values()] == [
        ((2, 4), ["H"], ["D"], False),
        ((2, 4), ["D1", "D2"], [], False),
        ((0, 1), ["T"], [], True),
        ((0, 1), ["U"], [], True),
    ]


def test_columns_of_types_in_csv(read: Callable[..., ReadContext]) -> None:
    text = "source:\n  format: csv\n  records: {H: {at: TYPE, fields: {A: {at: 3}, B: {at: X}}}}\n"
    one = types(read, text)["H"]
    assert (one.at, [field.at for field in one.fields.values()]) == ("TYPE", [3, "X"])
    text = "source:\n  format: csv\n  header: false\n  records: {H: {at: 0, fields: {A: {}}}}\n"
    assert types(read, text)["H"].at == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  fields: {A: {}}\n", [(1, 12, "HX-4005")]),
        ("  fields: {A: {at: 1}}\n", [(1, 20, "HX-4004")]),
        ("  fields: {A: {at: '3:3'}}\n", [(1, 21, "HX-4004")]),
        ("  fields: {A: {at: '0:1000001'}}\n", [(1, 21, "HX-4004")]),
        ("  fields: {A: {at: [0, 1]}}\n", [(1, 20, "HX-4004")]),
        ("  unit: words\n  fields: {A: {at: '0:1'}}\n", [(1, 9, "HX-4004")]),
        ("  header: false\n  fields: {A: {at: '0:1'}}\n", [(1, 11, "HX-4004")]),
        ("  records: [H]\n", [(1, 12, "HX-4004")]),
        ("  records: {}\n", [(1, 12, "HX-4004")]),
        ("  records: {H: {}}\n", [(1, 13, "HX-4005")]),
        ("  records: {H: {at: '0:1', isnt: H}}\n", [(1, 28, "HX-4003")]),
        ("  records: {H: {at: '0:1', once: yes}}\n", [(1, 34, "HX-4004")]),
        ("  records: {HH: {at: '0:1'}}\n", [(1, 13, "HX-4004")]),
        ("  records: {H: {at: '0:1', is: [A, HX]}}\n", [(1, 32, "HX-4004")]),
        ("  records: {H: {at: '0:1', fields: {_line: {at: '0:1'}}}}\n", [(1, 37, "HX-4004")]),
        ("  records: {H: {at: '0:1', fields: {A: {}}}}\n", [(1, 37, "HX-4005")]),
        ("  records: {H: {at: '0:1', children: [D]}}\n", [(1, 13, "HX-4103")]),
        ("  records: {H: {at: '0:1'}, D: {is: H}}\n", [(1, 29, "HX-4004")]),
        ("  records: {H: {at: '0:1', once: true}}\n", [(1, 12, "HX-4004")]),
        (
            "  records: {H: {at: '0:1', children: D}, D: {children: H}}\n",
            [(1, 13, "HX-4004")],
        ),
        (
            "  records: {H: {at: '0:1', children: T}, T: {once: true}}\n",
            [(1, 13, "HX-4004")],
        ),
        (
            "  records: {H: {at: '0:1', children: D, fields: {D: {at: '1:2'}}}, D: {}}\n",
            [(1, 13, "HX-4004")],
        ),
        (
            "  fields: {A: {at: '0:1'}}\n  records: {H: {at: '0:1'}}\n",
            [(1, 11, "HX-4004")],
        ),
        (
            "  fill_down: A\n  records: {H: {at: '0:1'}}\n",
            [(1, 14, "HX-4004")],
        ),
    ],
)
def test_a_mistake_is_shown_at_its_place(
    read: Callable[..., ReadContext], text: str, expected: list[tuple[int, int, str]]
) -> None:
    assert found(read, FIXED + text) == expected


def test_csv_without_header_knows_columns_by_number_only(
    read: Callable[..., ReadContext],
) -> None:
    text = (
        "source:\n  format: csv\n  header: false\n  records: {H: {at: 0, fields: {A: {at: B}}}}\n"
    )
    assert found(read, text) == [(2, 41, "HX-4004")]


def test_groups_are_for_rows(read: Callable[..., ReadContext]) -> None:
    text = f"{FIXED}  records: {{H: {{at: '0:1'}}}}\ngroup: {{by: A}}\n"
    assert found(read, text) == [(2, 8, "HX-4004")]
    text = f"{FIXED}  fields: {{A: {{at: '0:1'}}}}\ngroup: {{by: A}}\n"
    assert found(read, text) == []
