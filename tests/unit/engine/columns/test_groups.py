"""Groups of neighbouring lines by columns: what rows give, byte for byte, however files are cut."""

import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine.columns.writing import (
    FIELDS,
    HEADER,
    LOOKUPS,
    NUMBER_SCHEMAS,
    TEXT_SCHEMAS,
    Ran,
    conditions,
    indexed,
    mapped,
    numbers,
    planned,
    rows,
    texts,
)

RAN = Ran()
COLUMN = re.compile(r"(?<![\"\w])([TUIDEFB])(?![\"\w])")
KEYS = st.sampled_from(["a", "a", "b", "c", "", '"a"', '"x;y"', "\u00c4"])
TOTALS = [
    *("lines | length", "out.items | length", 'out.items | sum("n")', 'lines | sum("D")'),
    *('lines | sum("I")', 'out.items | count("n")', 'out.items | max("n")', 'lines | min("E")'),
    *('(lines | sum("D")) - (out.items | sum("n"))', 'lines | count("T")'),
]


def of(strategy: st.SearchStrategy[str], name: str) -> st.SearchStrategy[str]:
    """Write the columns of expressions as members of ``name``."""
    return strategy.map(lambda text: COLUMN.sub(rf"{name}.\1", text))


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file whose neighbours often have the same key."""
    lines, whole = [HEADER], draw(st.integers(0, 3)) > 0
    for _ in range(draw(st.integers(1, 8))):
        key = draw(KEYS)
        found = draw(st.lists(rows(whole=whole), min_size=1, max_size=4))
        lines += [key + row[row.find(";") :] if ";" in row else row for row in found]
    if draw(st.integers(0, 9)) == 0:
        lines.insert(draw(st.integers(1, len(lines))), "")
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return (end.join(lines) + draw(st.sampled_from([end, ""]))).encode()


@st.composite
def contexts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A context that groups, with items, totals, a condition and what all lines must share."""
    item = {
        "t": (draw(of(texts(1), "l")), draw(st.sampled_from(TEXT_SCHEMAS))),
        "n": (draw(of(numbers(1), "l")), draw(st.sampled_from(NUMBER_SCHEMAS))),
        "h": (draw(st.sampled_from(["h.U", "v", "out.id", "h.D + l.D", "l.F", "h.F"])), {}),
    }
    where = draw(st.one_of(st.just(""), of(conditions(0), "l")))
    by = draw(st.sampled_from(["T", "[T]", "[T, U]", "[U, T]"]))
    same = draw(st.sampled_from(["", ", same: [F]", ", same: [B, F]"]))
    nulls = draw(st.sampled_from(["[]", '[""]', '["", "N"]']))
    fields = dict(FIELDS)
    for name in draw(st.lists(st.sampled_from("TID"), unique=True, max_size=1)):
        fields[name] = fields[name].replace("}", ", required: true}", 1)
    skip = draw(
        st.sampled_from(["", 'skip_when: h.T == "b"\n', "skip_when: (lines | length) > 3\n"])
    )
    some = 'checks: [{that: "(out.items | length) > 0", code: C, text: "no {{ h.T }}"}]\n'
    check = draw(st.sampled_from(["", some]))
    limits = draw(st.sampled_from([{}, {}, {"minItems": 1}, {"maxItems": 2, "minItems": 1}]))
    context = (
        "helixnet: 1\nname: drawn\nversion: 1.0.0\ntarget: s.json\n"
        "inputs: {plant: {type: string, default: P1}}\n"
        "source:\n  format: csv\n  delimiter: ';'\n  decimal: ','\n  thousands: '.'\n"
        f"  nulls: {nulls}\n  fields:\n"
        + "".join(f"    {name}: {spec}\n" for name, spec in fields.items())
        + f"group: {{by: {by}, order: consecutive, header: h, lines: lines{same}}}\n"
        f"lookups:\n{LOOKUPS}"
        f"vars: {{v: {json.dumps(draw(of(texts(1), 'h')))}}}\n{skip}{check}"
        "map:\n"
        f"  id: {json.dumps(draw(of(texts(1), 'h')))}\n"
        "  items:\n    each: lines\n    as: l\n"
        + (f"    where: {json.dumps(where)}\n" if where else "")
        + "    map:\n"
        + "".join(f"      {name}: {json.dumps(text)}\n" for name, (text, _) in item.items())
        + f"  total: {json.dumps(draw(st.sampled_from(TOTALS)))}\n"
        f"  o: {{a: {json.dumps(draw(of(numbers(1), 'h')))}}}\n"
    )
    properties = {name: schema for name, (_, schema) in item.items()}
    items = {"type": "array", "items": {"type": "object", "properties": properties}, **limits}
    open_ = {"id": {}, "total": {}, "o": {"properties": {"a": {}}}}
    return context, {"type": "object", "properties": {"items": items, **open_}}


@given(contexts(), files(), st.integers(20, 400))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_columns_and_rows_agree(
    context: tuple[str, dict[str, Any]], data: bytes, part_size: int
) -> None:
    RAN.hold(context, data, part_size)


def test_columns_ran_in_half_of_the_examples() -> None:
    """Else the property above says little; it runs before this one, in this process."""
    if not RAN.contexts:
        test_columns_and_rows_agree()
    RAN.enough()


def test_a_key_that_the_map_does_not_read_is_known() -> None:
    """Nobody declared it: the group alone names it, and what all its lines must share."""
    plan = planned(
        "helixnet: 1\nname: keys\nversion: 1.0.0\ntarget: s.json\nsource: {format: csv}\n"
        "group: {by: NO, order: consecutive, header: h, lines: lines, same: [X]}\n"
        "map: {n: h.NAME, items: {each: lines, as: l, map: {s: l.SKU}}}\n",
        {},
    )
    assert plan is not None
    assert "columns for parts" in plan.explain()
    data = b"NAME,X,SKU,NO\na,1,s,7\nb,1,t,7\nc,1,u,8\nd,2,v,8\n"
    index = indexed(plan, data)
    assert index is not None
    by_rows, by_columns = (mapped(plan, data, index, columns=way) for way in (False, True))
    assert (by_rows.counts.used, by_rows.counts.rejected) == (1, 1)
    assert by_columns.documents == by_rows.documents
    assert by_columns.rejects == by_rows.rejects
