"""IDocs: names come from the grammar, only needed fields are read, faults name the segment."""

from helixnet.engine.plan import compile_plan
from tests.unit.engine.mapping.mapped import bundle, problems, run

CONTEXT = """\
target:
  additionalProperties: true
  properties:
    lines: {items: {additionalProperties: true, properties: {qty: {type: number, minimum: 1}}}}
source: {format: idoc, type: ORDERS05}
map:
  id: E1EDK01.BELNR
  day: 'E1EDK03 | one(IDDAT="012") | get("DATUM") | sap_date'
  any: 'E1EDKA1 | any(PARVW="WE")'
  lines:
    each: E1EDP01
    as: p
    map: {no: p.POSEX | int, qty: p.MENGE | sap_number, line: p._line, ids: 'p.E1EDP19 | length'}
"""


def _segment(name: str, number: int, data: str) -> str:
    head = f"{name:<30}{'800':<3}{'0000000000000001':<16}{number:06d}{'000000':<6}{'01':<2}"
    return head + data


def _idoc(day: str, quantity: str) -> str:
    control = "EDI_DC40  800" + "0000000000000001".ljust(490)
    rows = [
        control[:524],
        _segment("E2EDK01005", 1, " " * 100),
        _segment("E2EDK03", 2, "002" + "20260101"),
        _segment("E2EDK03", 3, "012" + day),
        _segment("E2EDP01001", 4, "000010" + " " * 5 + quantity),
        _segment("E2EDP01001", 5, "000020" + " " * 5 + "2"),
    ]
    return "\n".join(rows) + "\n"


def test_an_idoc_is_mapped_by_its_grammar() -> None:
    compiled = compile_plan(bundle(CONTEXT))
    assert compiled.needs is not None
    assert compiled.needs["E1EDK03"] == {"IDDAT", "DATUM"}
    found = run(compiled, _idoc("20261123", "1.500"))
    assert found.codes == []
    (document,) = found.documents
    assert document["day"] == "2026-11-23"
    assert document["any"] is False
    assert [(line["no"], line["line"]) for line in document["lines"]] == [(10, 5), (20, 6)]


def test_a_fault_stands_at_the_segment_that_was_selected() -> None:
    found = run(compile_plan(bundle(CONTEXT)), _idoc("2026112x", "0.5"))
    seen = [
        (f.code, f.target, f.source and f.source.line, f.source and f.source.segment)
        for f in found.rejects[0].faults
    ]
    assert [one[1:3] for one in seen] == [("/day", 4), ("/lines/0/qty", 5)]
    assert seen[1][0] == "HX-3004"
    assert "E1EDK03" in str(seen[0][3])
    where = found.rejects[0].faults[0].source
    assert where is not None
    assert (where.field, where.column) == ("DATUM", 67)


def test_unknown_segments_and_fields_are_problems() -> None:
    context = CONTEXT.replace("p.POSEX", "p.POSEXX").replace("E1EDK01.BELNR", "E1EDK99.BELNR")
    assert problems(context) == ["7 HX-4103", "13 HX-4103"]
    assert problems(CONTEXT.replace("IDDAT=", "IDAT=")) == ["8 HX-4103"]


def test_a_segment_read_through_a_condition_makes_all_fields_needed() -> None:
    """What the compiler can't follow must not be left out in silence."""
    context = CONTEXT.replace("E1EDK01.BELNR", "(E1EDK01 if true else E1EDK02).BELNR")
    assert compile_plan(bundle(context)).needs is None
