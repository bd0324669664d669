"""What differs from the declared fields, told by the pass over the file, however it comes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.context.model import Field, Source
from helixnet.engine.formats.retyped import BEGINNING
from tests.unit.engine.formats.reading import MARK, fields, group, load, source

TYPED = {
    "A": Field("A", MARK),
    "N": Field("N", MARK, "integer"),
    "D": Field("D", MARK, "date", format="%d.%m.%Y"),
}


def contract(form: str, declared: Mapping[str, Field] = TYPED, **more: object) -> Source:
    return source(form, fields=declared, nulls=("-",), **more)


def drift(text: str, contract: Source, **more: int) -> list[str]:
    return list(load(text.encode(), contract, **more).index.drift)


def as_json(form: str, *records: object) -> str:
    if form == "json":
        return json.dumps(records)
    return "".join(json.dumps(record) + "\n" for record in records)


JSON = pytest.mark.parametrize("form", ["json", "ndjson"])


@JSON
def test_unknown_and_missing_names_of_json_are_those_of_the_whole_file(form: str) -> None:
    records = [{"A": 1, "X": {"Y": 1}}, {"B": 2, "Y": 1, "X": 2}, {}]
    plain = contract(form, fields("A", "B", "C"))
    assert drift(as_json(form, *records), plain) == [
        "unknown field 'X'",
        "unknown field 'Y'",
        "missing field 'C'",
    ]
    assert drift(as_json(form, {"A": 1}, {"C": None}, {"B": 2}), plain) == []
    assert drift(as_json(form), plain) == []
    assert drift(as_json(form, *records), source(form, fields=fields("A"), on_drift="allow")) == []
    assert drift(as_json(form, *records), source(form)) == []


def test_records_that_can_not_be_read_tell_no_names() -> None:
    text = '{"A": 1, "B": 1}\n{"X": 1,\n[1]\n{"Y": 1} 2\n'
    assert drift(text, contract("ndjson", fields("A", "B"))) == []


@JSON
def test_names_of_json_are_read_with_the_codec_that_is_chosen_last(form: str) -> None:
    text = as_json(form, {"A": 1}).replace("A", "Ä") + "\n" * 3
    both = contract(form, fields("Ä"), encoding=("utf-8", "cp1252"))
    for codec in ("utf-8", "cp1252", "utf-16"):
        of = contract(form, fields("Ä"), encoding=(codec,)) if codec == "utf-16" else both
        assert list(load(text.encode(codec), of).index.drift) == []
        other = contract(form, fields("B"), encoding=of.encoding)
        assert list(load(text.encode(codec), other).index.drift) == [
            "unknown field 'Ä'",
            "missing field 'B'",
        ]


def test_a_new_name_in_every_record_is_told_by_the_first_hundred() -> None:
    text = as_json("ndjson", {"A": 1}, *({f"x{n}": 1} for n in range(150)))
    found = drift(text, contract("ndjson", fields("A")))
    assert found[:2] == ["unknown field 'x0'", "unknown field 'x1'"]
    assert found[-2:] == ["unknown field 'x99'", "and more unknown fields"]
    assert len(found) == 101


def table(*rows: tuple[str, ...]) -> str:
    return "".join(",".join(row) + "\n" for row in (("A", "N", "D"), *rows))


def test_a_column_of_which_no_value_can_be_read_is_retyped() -> None:
    good = ("a", "1", "23.11.2026")
    csv = contract("csv")
    assert drift(table(good, ("b", "x", "y")), csv) == []
    assert drift(table(("a", "x", "23.11.2026"), ("b", "1x", "2026-11-23")), csv) == [
        "retyped column 'N': none of its first 2 values is an integer"
    ]
    assert drift(table(("a", "1", "2026-11-23"), ("b", "", ""), ("b", "2", "2026-11-24")), csv) == [
        "retyped column 'D': none of its first 2 values is a date as %d.%m.%Y"
    ]


def test_a_single_bad_value_is_a_slip_and_no_value_is_no_type() -> None:
    csv = contract("csv")
    assert drift(table(("a", "x", "y")), csv) == []
    assert drift(table(("a", "-", ""), ("a", "", "-"), ("a", "-", "-")), csv) == []
    assert drift(table(("a", "x"), ("a", "x", "y", "z"), ("a", "x", "y")), csv) == []


def test_only_the_beginning_of_a_file_tells_its_types() -> None:
    csv = contract("csv")
    bad, good = ("a" * 1000, "x", "23.11.2026"), ("a", "1", "23.11.2026")
    many = BEGINNING // 1000 + 1
    assert "retyped column 'N'" in drift(table(*[bad] * many, good), csv)[0]
    assert drift(table(*[bad] * (many - 10), good), csv) == []
    bare = contract("csv", header=False)
    assert "retyped column 'N'" in drift("a,x,23.11.2026\na,x,23.11.2026\n", bare)[0]


@JSON
def test_a_field_of_json_may_be_retyped_too(form: str) -> None:
    of = contract(form)
    good, bad = {"A": 1, "N": 5, "D": "23.11.2026"}, {"A": [], "N": "x", "D": 20261123}
    assert drift(as_json(form, good, bad), of) == []
    assert drift(as_json(form, bad, {"N": None, "D": "-"}, bad), of) == [
        "retyped field 'N': none of its first 2 values is an integer",
        "retyped field 'D': none of its first 2 values is a date as %d.%m.%Y",
    ]
    assert drift(as_json(form, *[bad | {"A": "a" * BEGINNING}] * 3), of) == []


cells = st.sampled_from(["", "-", "x", "1", "23.11.2026", '"a\nb"'])
members = st.dictionaries(
    st.sampled_from(["A", "N", "D", "X", "Ü"]), st.sampled_from(["x", 1, None])
)


@given(st.lists(st.tuples(cells, cells, cells), max_size=8), st.integers(1, 40), st.integers(1, 40))
def test_drift_of_csv_does_not_depend_on_how_the_file_comes(
    rows: list[tuple[str, str, str]], chunk: int, size: int
) -> None:
    whole = drift(table(*rows), contract("csv"))
    assert drift(table(*rows), contract("csv"), chunk=chunk, part_size=size) == whole


@JSON
@given(st.lists(members, max_size=8), st.integers(1, 40), st.integers(1, 40))
def test_drift_of_json_does_not_depend_on_how_the_file_comes(
    form: str, records: list[dict[str, object]], chunk: int, size: int
) -> None:
    text = as_json(form, *records)
    whole = drift(text, contract(form))
    assert drift(text, contract(form), chunk=chunk, part_size=size) == whole


def patch(text: str, contract: Source, **more: Any) -> list[Mapping[str, object]]:
    return list(load(text.encode(), contract, **more).index.patch)


@pytest.mark.parametrize(
    ("values", "proposed"),
    [
        (["1", "-2", ""], {"type": "integer"}),
        (["1,5", "2"], {"type": "decimal"}),
        (["007", "8"], {"type": "string"}),
        (["31.12.2026", "-"], {"type": "date", "format": "%d.%m.%Y"}),
        (["2026-12-31"], {"type": "date", "format": "%Y-%m-%d"}),
        (["1", "x"], {"type": "string"}),
        ([""], {"type": "string"}),
    ],
)
def test_a_new_column_is_proposed_with_the_type_of_its_values(
    values: list[str], proposed: dict[str, str]
) -> None:
    text = "A;N;D;X\n" + "".join(f"a;1;01.01.2026;{value}\n" for value in values)
    found = patch(text, contract("csv", delimiter=";", decimal=","))
    assert found == [{"op": "add", "path": "/source/fields/X", "value": proposed}]


@JSON
@pytest.mark.parametrize(
    ("values", "proposed"),
    [
        ([1, 2], {"type": "integer"}),
        ([1, 2.5, None], {"type": "decimal"}),
        ([True], {"type": "boolean"}),
        (["1", "2"], {"type": "integer"}),
        ([1, "x"], None),
        ([{}], None),
    ],
)
def test_a_new_field_of_json_too(form: str, values: list[object], proposed: object) -> None:
    text = as_json(form, *({"A": "a", "X": value} for value in values))
    found = patch(text, contract(form, fields("A")))
    wanted = {"op": "add", "path": "/source/fields/X", "value": proposed}
    assert found == ([] if proposed is None else [wanted])


def test_a_column_is_not_proposed_to_go_while_the_mapping_reads_it() -> None:
    text = "A,N\nx,1\n"
    gone = {"op": "remove", "path": "/source/fields/D"}
    assert patch(text, contract("csv"), used=frozenset("AN")) == [gone]
    assert patch(text, contract("csv"), used=frozenset("AND")) == []
    assert patch(text, contract("csv"), used=None) == []


GROUPED = fields("NO", "QTY")


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("chunk", [None, 5])
def test_a_key_that_stands_again_after_others_is_told(quote: str, chunk: int | None) -> None:
    """Neighbours make an order: then an order in two places would become two, in silence."""
    keys = ["4711", "4711", "4712", "4713", "4711"]
    text = "NO,QTY\n" + "".join(f"{quote}{key}{quote},1\n" for key in keys)
    found = load(text.encode(), source(fields=GROUPED), by=group("NO"), chunk=chunk)
    assert list(found.index.drift) == [
        "the key '4711' stands again after others: its lines are several records"
    ]
    assert [dict(each) for each in found.index.patch] == [
        {"op": "add", "path": "/group/order", "value": "keyed"}
    ]
    assert len(found.records) == 4
    apart = load(text.encode(), source(fields=GROUPED), by=group("NO", keyed=True))
    assert (list(apart.index.drift), len(apart.records)) == ([], 3)
    in_order = "NO,QTY\n" + "".join(f"{quote}{key}{quote},1\n" for key in sorted(keys))
    assert not load(in_order.encode(), source(fields=GROUPED), by=group("NO")).index.drift


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_keys_are_the_same_however_they_were_found(encoding: str) -> None:
    """Cells with line ends are cut, other lines only looked at: several columns in any order."""
    start = 'A,B,C\nx,y,"\n"\n'
    apart = load(f"{start}y,x,1\n".encode(), source(fields=fields("A", "B", "C")), **PAIR)
    assert (list(apart.index.drift), len(apart.records)) == ([], 2)
    text = 'A,B,C\nü,y,"\n"\nz,z,1\nü,y,2\n'.encode(encoding)
    contract = source(fields=fields("A", "B", "C"), encoding=[encoding])
    (again,) = load(text, contract, **PAIR).index.drift
    assert again.startswith("the key 'y ü' stands again")


PAIR: dict[str, Any] = {"by": group("B", "A"), "chunk": 12}
