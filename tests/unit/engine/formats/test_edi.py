"""X12 and EDIFACT: messages as records, by position and by a structure, with their envelopes."""

import time
from typing import Any

import pytest

from helixnet.engine.formats.edi.grammar import load_edi
from helixnet.engine.reassembly import Envelope, assembled
from helixnet.errors import ContextError, RefusedError
from tests.unit.engine.formats.edi import bare, edifact, grammar, isa, read_edi, x12
from tests.unit.engine.formats.reading import load, source

ORDER = ("BEG*00*SA*4711**20260101", "N1*BY*Acme", "PO1*1*5*EA*1.50", "PID*F****Text", "CTT*1")
TREE = {"BEG": "", "N1": ["N3", "N4"], "PO1": {"PID": "", "N1": ["N3"]}, "CTT": ""}
ORDERS = ("BGM+220+PO1+9", "DTM+137:20260101:102", "NAD+BY+123::9++A ?+ B?'C", "LIN+1++40:EN")


def test_segments_are_read_by_position() -> None:
    (record,) = read_edi(x12(ORDER)).records
    beg = record["BEG"][0]
    assert (beg["_line"], beg["_name"], beg["BEG03"], beg["BEG0301"]) == (4, "BEG", "4711", "4711")
    assert "BEG04" not in beg, "an empty element is absent"
    assert list(record) == [
        *("_line", "_name", "ISA", "GS", "ST", "BEG", "N1", "PO1", "PID", "CTT", "SE")
    ]
    assert record["ISA"][0]["ISA13"] == "000000001"
    assert record["ISA"][0]["ISA06"] == "SENDER         ", "ISA is read as it is filled"


def test_a_structure_nests_segments_under_the_nearest_open_one() -> None:
    body = (*ORDER[:3], "N1*ST*Shop", "N3*Road", *ORDER[3:])
    (record,) = read_edi(x12(body), structure={"tree": TREE}).records
    (item,) = record["PO1"]
    shop = item["N1"][0]
    assert (shop["N102"], shop["N3"][0]["N301"]) == ("Shop", "Road")
    assert item["N1"][0]["_name"] == "PO1/N1"
    assert item["PID"][0]["PID05"] == "Text"
    assert [party["N102"] for party in record["N1"]] == ["Acme"]


def test_released_delimiters_are_text() -> None:
    (record,) = read_edi(edifact(ORDERS), "edifact").records
    nad = record["NAD"][0]
    assert nad["NAD04"] == "A + B'C"
    assert (nad["NAD0201"], nad["NAD0203"], nad["NAD02"]) == ("123", "9", "123::9")
    (record,) = read_edi(edifact(("FTX+AAI+++a?:b:c??",)), "edifact").records
    ftx = record["FTX"][0]
    assert ftx["FTX04"] == "a?:b:c??", "an element of several components is as it stands"
    assert (ftx["FTX0401"], ftx["FTX0402"]) == ("a:b", "c?")


def test_delimiters_are_those_of_the_interchange() -> None:
    ends = "|>\n"
    body = tuple(segment.replace("*", "|") for segment in ORDER)
    plain = read_edi(x12(ORDER)).records[0]
    (record,) = read_edi(x12(body, ends=ends)).records
    assert bare(record["BEG"]) == bare(plain["BEG"])
    odd = edifact(("BGM*220*AQ*9",), una="UNA.*,# ;").replace("Q", "#;'")
    (record,) = read_edi(odd, "edifact").records
    assert record["BGM"][0]["BGM02"] == "A;'"


def test_several_interchanges_have_their_own_delimiters() -> None:
    second = x12((*(s.replace("*", "|") for s in ORDER),), number=2, ends="|>!")
    outcome = read_edi(x12(ORDER) + "\r\n" + second)
    assert [record["ISA"][0]["ISA13"] for record in outcome.records] == ["000000001", "000000002"]
    assert [record["BEG"][0]["BEG03"] for record in outcome.records] == ["4711", "4711"]
    assert outcome.codes == {}


def test_codes_name_elements_where_the_segment_is_known() -> None:
    text = "3035, C082(3039 1131 3055), C058(3124*5), C080(3036*5 3045)"
    structure = {"tree": {"BGM": "", "DTM": "", "NAD": "", "LIN": ""}, "segments": {"NAD": text}}
    (record,) = read_edi(edifact(ORDERS), "edifact", structure=structure).records
    nad = record["NAD"][0]
    assert nad["3035"] == "BY"
    assert bare(nad["C082"]) == [{"3039": "123", "3055": "9"}]
    assert bare(nad["C080"]) == [{"3036": "A + B'C"}]
    assert record["UNB"][0]["0020"] == "77"
    assert bare(record["UNH"][0]["S009"]) == [
        {"0065": "ORDERS", "0052": "D", "0054": "96A", "0051": "UN"}
    ]


def test_a_composite_that_repeats_is_a_list() -> None:
    structure = {"tree": {"PIA": ""}, "segments": {"PIA": "4347, C212(7140 7143 1131 3055)*5"}}
    body = ("PIA+1+A:SA::91++B:IN",)
    (record,) = read_edi(edifact(body), "edifact", structure=structure).records
    pia = record["PIA"][0]
    assert [item["7140"] for item in pia["C212"]] == ["A", "B"]


def test_repetitions_are_all_there() -> None:
    (record,) = read_edi(x12(("EB*1**30^98*A:1^B:2",))).records
    eb = record["EB"][0]
    assert eb["EB03"] == "30^98"
    assert bare(eb["03"]) == [{"01": "30"}, {"01": "98"}]
    assert bare(eb["04"]) == [{"01": "A", "02": "1"}, {"01": "B", "02": "2"}]
    (old,) = read_edi(x12(("EB*1**30^98",), version="00401", repetition="U")).records
    assert "03" not in old["EB"][0]


def hl(*rows: tuple[str, str, str]) -> str:
    return x12([f"HL*{own}*{parent}*{level}" for own, parent, level in rows])


def test_hl_nests_under_the_hl_that_it_names() -> None:
    tree = {"tree": {"HL": ["LIN"]}}
    data = hl(("1", "", "S"), ("2", "1", "O"), ("3", "2", "I"), ("4", "1", "O"))
    (record,) = read_edi(data, structure=tree).records
    (top,) = record["HL"]
    assert [order["HL01"] for order in top["HL"]] == ["2", "4"]
    assert [item["HL01"] for item in top["HL"][0]["HL"]] == ["3"]


@pytest.mark.parametrize("rows", [[("1", "9", "S")], [("1", "", "S"), ("1", "", "O")]])
def test_hl_without_its_parent_is_a_reject(rows: list[Any]) -> None:
    outcome = read_edi(hl(*rows), structure={"tree": {"HL": []}})
    assert outcome.codes == {0: ["HX-1024"]}


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ("SE*7*0001", "SE*8*0001", 1),
        ("SE*7*0001", "SE*7*0002", 1),
        ("SE*7*0001", "SE*8*0009", 2),
        ("SE*7*0001~", "", 1),
    ],
)
def test_a_message_that_is_not_whole_is_a_reject(before: str, after: str, count: int) -> None:
    data = x12(ORDER, ORDER[:2]).replace(before, after)
    outcome = read_edi(data)
    assert outcome.codes == {0: ["HX-1024"] * count}
    assert len(outcome.records) == 2
    cut = read_edi(data, part_size=1)
    assert cut.seen() == outcome.seen()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("GE*1*1", "GE*2*1"), "HX-5013"),
        (("GE*1*1", "GE*1*2"), "HX-5013"),
        (("IEA*1*", "IEA*2*"), "HX-5013"),
        (("IEA*1*000000001", "IEA*1*000000002"), "HX-5013"),
        (("IEA*1*000000001~", ""), "HX-5013"),
        (("GE*1*1~", ""), "HX-5013"),
        (("GE*1*1~", "GE*1*1~NTE*X~"), "HX-5013"),
        (("GS*PO", "N1*PO"), "HX-5013"),
        (("IEA*1*000000001~", "IEA*1*000000001~hello"), "HX-5004"),
        (("ISA*00*", "ISA*0*"), "HX-5004"),
        (("ISA*", "XXX*"), "HX-5004"),
    ],
)
def test_a_wrong_envelope_refuses_the_file(change: tuple[str, str], code: str) -> None:
    data = x12(ORDER)
    assert change[0] in data
    with pytest.raises(RefusedError) as refusal:
        read_edi(data.replace(*change))
    assert refusal.value.code == code


@pytest.mark.parametrize("change", [("UNZ+1+77", "UNZ+2+77"), ("UNZ+1+77", "UNZ+1+78")])
def test_a_wrong_edifact_envelope_refuses_the_file(change: tuple[str, str]) -> None:
    with pytest.raises(RefusedError) as refusal:
        read_edi(edifact(ORDERS).replace(*change), "edifact")
    assert refusal.value.code == "HX-5013"


def test_groups_of_edifact_are_counted() -> None:
    data = edifact(ORDERS)
    head, body = data.split("UNH", 1)
    body, tail = body.split("UNZ", 1)
    group = f"{head}UNG+ORDERS+S+R+260101:1200+5+UN+D:96A'UNH{body}UNE+1+5'UNZ{tail}"
    (record,) = read_edi(group, "edifact").records
    assert record["UNG"][0]["0048"] == "5"
    with pytest.raises(RefusedError, match="UNE counts '2' where there are 1 messages"):
        read_edi(group.replace("UNE+1", "UNE+2"), "edifact")


@pytest.mark.parametrize("form", ["x12", "edifact"])
@pytest.mark.parametrize("data", [b"", b"\r\n", b"  \r\n\x1a"])
def test_nothing_is_no_record(form: str, data: bytes) -> None:
    assert read_edi(data, form).records == []


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (edifact(ORDERS), "this is EDIFACT: `format: edifact`"),
        ("STX=ANA:1+x'", "this is TRADACOMS, which is not read"),
        ("hello", ""),
    ],
)
def test_another_format_is_told(data: str, hint: str) -> None:
    with pytest.raises(RefusedError, match="an interchange begins with ISA") as refusal:
        read_edi(data)
    assert (refusal.value.code, refusal.value.hint) == ("HX-5004", hint)


@pytest.mark.parametrize("una", ["UNA++.? '", "UNA:+.?  ", "UNAA+.? '", "UNA:+.+ '"])
def test_delimiters_that_are_one_are_refused(una: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        read_edi(una + edifact(ORDERS, una=""), "edifact")
    assert refusal.value.code == "HX-5004"


def test_lines_are_physical_where_segments_have_their_own() -> None:
    outcome = read_edi(x12(ORDER, line="\r\n"))
    record = outcome.records[0]
    assert (record["_line"], record["PO1"][0]["_line"]) == (3, 6)
    assert outcome.locate(0, "/PO1/0/PO104") == outcome.locate(0, "/PO1/0/PO104")
    place = outcome.locate(0, "/PO1/0/PO104")
    assert (place.line, place.column, place.segment, place.field) == (6, 12, "PO1", "PO104")
    flat = read_edi(x12(ORDER))
    place = flat.locate(0, "/PO1/0/PO104")
    assert (place.line, place.column) == (6, 12), "segments count where lines do not"
    place = flat.locate(0, "/ISA/0/ISA13")
    assert (place.line, place.column, place.field) == (1, 91, "ISA13")


def test_line_ends_in_the_middle_are_no_data() -> None:
    text = edifact(ORDERS)
    wrapped = "\r\n".join(text[at : at + 20] for at in range(0, len(text), 20))
    plain = read_edi(text, "edifact")
    found = read_edi(wrapped, "edifact")
    assert bare(found.records) == bare(plain.records)
    assert found.codes == {}


def test_the_last_terminator_may_be_cut_off() -> None:
    outcome = read_edi(x12(ORDER)[:-1])
    assert (len(outcome.records), outcome.codes) == (1, {})
    with pytest.raises(RefusedError, match="IEA has the number '00000000' where ISA has"):
        read_edi(x12(ORDER)[:-2])
    with pytest.raises(RefusedError, match="the file ends inside an interchange"):
        read_edi(x12(ORDER)[:-20])


def test_segments_may_be_indented_and_isa_wrapped() -> None:
    plain = read_edi(x12(ORDER)).records
    for data in (x12(ORDER, line="\n  "), x12(ORDER)[:80] + "\r\n" + x12(ORDER)[80:]):
        outcome = read_edi(data)
        assert bare(outcome.records) == bare(plain)
        assert outcome.codes == {}
        assert read_edi(data, part_size=1).seen() == outcome.seen()


def test_a_terminator_may_be_a_character_of_several_bytes() -> None:
    data = x12(ORDER, ORDER).replace("~", "…").encode()
    outcome = read_edi(data)
    assert [record["BEG"][0]["BEG03"] for record in outcome.records] == ["4711", "4711"]
    assert outcome.codes == {}
    assert read_edi(data, part_size=1).seen() == outcome.seen()


def test_service_segments_around_groups_are_told_and_left_out() -> None:
    data = x12(ORDER).replace("~GS", "~TA1*000000001*260101*1200*A*000~GS")
    outcome = read_edi(data)
    assert list(outcome.index.drift) == ["segment TA1 outside of messages is not read"]
    assert outcome.codes == {}


def test_a_value_is_shown_as_it_stands() -> None:
    outcome = read_edi(edifact(ORDERS, line="\n"), "edifact")
    batch: Any = outcome.batches[0][0]
    assert batch.excerpt(0, "/NAD/0/NAD04") == "A ?+ B?'C"
    assert batch.excerpt(0, "/NAD/0/NAD0203") == "9"
    assert batch.excerpt(0, "/UNB/0/S002/0/0004") == "4012345000009"


def test_the_character_set_is_that_of_the_interchange() -> None:
    data = edifact(("FTX+AAI+++Größe",)).encode("iso8859-1")
    assert read_edi(data, "edifact").records[0]["FTX"][0]["FTX04"] == "Größe"
    ascii_ = data.replace(b"UNOC:3", b"UNOA:3")
    assert read_edi(ascii_, "edifact").codes == {0: ["HX-1001"]}
    assert read_edi(ascii_, "edifact", encoding=("latin-1",)).codes == {}
    utf = edifact(("FTX+AAI+++Größe",), level="UNOY:4").encode()
    assert read_edi(utf, "edifact").records[0]["FTX"][0]["FTX04"] == "Größe"
    assert read_edi(data.replace(b"UNOC", b"IATA"), "edifact").codes == {0: ["HX-1001"]}


def test_syntax_version_four_repeats() -> None:
    data = edifact(("ATT+1+A*B",), level="UNOC:4", una="")
    assert bare(read_edi(data, "edifact").records[0]["ATT"][0]["02"]) == [{"01": "A"}, {"01": "B"}]
    old = edifact(("ATT+1+A*B",), una="")
    assert "02" not in read_edi(old, "edifact").records[0]["ATT"][0]


@pytest.mark.parametrize("encoding", ["utf-16", "cp037"])
def test_other_encodings_are_read(encoding: str) -> None:
    data = x12(ORDER, ORDER[:1]).encode(encoding)
    outcome = read_edi(data, encoding=(encoding,))
    assert [record["BEG"][0]["BEG03"] for record in outcome.records] == ["4711", "4711"]
    assert read_edi(data, encoding=(encoding,), part_size=1).seen() == outcome.seen()


@pytest.mark.parametrize("policy", ["allow", "warn", "reject"])
def test_segments_without_a_place_are_drift(policy: str) -> None:
    body = ("BEG*00", "N3*Road", "XYZ*1", "CTT*1")
    outcome = read_edi(x12(body), structure={"tree": TREE}, on_drift=policy)
    told = ["segment N3 where it may not stand", "unknown segment XYZ"]
    assert list(outcome.index.drift) == ([] if policy == "allow" else told)
    assert outcome.codes == ({0: ["HX-5005"] * 2} if policy == "reject" else {})
    assert "N3" not in outcome.records[0]
    with pytest.raises(RefusedError) as refusal:
        read_edi(x12(body), structure={"tree": TREE}, on_drift="fail")
    assert refusal.value.code == "HX-5005"


def test_another_type_of_message_is_drift() -> None:
    outcome = read_edi(x12(("BEG*00",)), structure={"tree": TREE}, type="860", on_drift="reject")
    assert list(outcome.index.drift) == ["message type 850 where 860 is declared"]
    assert outcome.codes == {0: ["HX-1108"]}


def test_a_message_over_the_limit_refuses_the_file() -> None:
    for data in (x12(ORDER), x12(ORDER)[:170] + "x" * 200_000, isa() + "GS" + "x" * 200_000):
        with pytest.raises(RefusedError) as refusal:
            read_edi(data, max_record_bytes=50)
        assert refusal.value.code == "HX-6001"


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("edifact", "UNB+UNOA:1+a+b+c:d+1'UNH+1+X'" + "?'" * 1_000_000),
        ("edifact", "UNB+UNOA:1+a+b+c:d+1'UNH+1+" + "?'" * 1_000_000),
        ("edifact", "UNB+UNOA:1+a+b+c:d+1'" + "?" * 2_000_000),
        ("edifact", "UNA:+.? '" + "'" * 2_000_000),
        ("x12", isa(ends="*:\n") + "GS*PO\n" + "\n" * 2_000_000),
        ("x12", isa() + "\r\n" * 1_000_000),
        ("x12", isa() + "GS*PO~ST*850*1~" + " ~" * 1_000_000),
        ("x12", "ISA" + "\n" * 2_000_000),
    ],
)
def test_hostile_files_end_soon(form: str, data: str) -> None:
    began = time.process_time()
    with pytest.raises(RefusedError):
        read_edi(data, form, max_record_bytes=1_000_000)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("line", ["", "\n"])
def test_envelopes_travel_with_parts_and_come_back(line: str) -> None:
    data = x12(ORDER, ORDER[:1], ORDER[:2], line=line) + x12(ORDER[:3], number=2, line=line)
    contract = source("x12")
    found = load_edi(contract, {})
    outcome = load(data.encode(), contract, grammar=found, part_size=1)
    assert [part.records for part in outcome.index.parts] == [1, 1, 1, 1]
    assert [(one["first"], one["last"]) for one in outcome.index.envelopes] == [(1, 3), (4, 4)]
    envelope = Envelope(b"", "utf-8", line, (), outcome.index.envelopes)
    raws = [raw.decode() for raw in outcome.raws]
    assert assembled(contract, raws, envelope, [1, 2, 3, 4]) == data.encode()
    some = assembled(contract, [raws[1], raws[3]], envelope, [2, 4])
    again = load(some, contract, grammar=found)
    assert [record["ST"][0]["ST02"] for record in again.records] == ["0002", "0001"]
    assert [record["ISA"][0]["ISA13"] for record in again.records] == ["000000001", "000000002"]


def test_names_are_checked_by_their_pattern() -> None:
    flat = grammar("x12")
    assert flat.child("", "BEG") == "BEG"
    assert [flat.field("BEG", name) for name in ("BEG03", "BEG0301", "BEG3", "beg03", "BEG00")] == [
        *(True, True, False, False, False)
    ]
    assert flat.child("", "beg") is None
    assert grammar("edifact").child("", "N1") is None
    counted = grammar("x12", structure={"tree": TREE, "segments": {"BEG": "12"}})
    assert (counted.field("BEG", "BEG12"), counted.field("BEG", "BEG13")) == (True, False)


@pytest.mark.parametrize(
    ("structure", "text"),
    [
        ({"tree": {"isa": ""}}, "'isa' is not a segment tag"),
        ({"tree": {"ST": ""}}, "ST is of the envelope"),
        ({"tree": {"N1": "x"}}, "what stands under N1 must be a mapping"),
        ({"tree": {}, "segments": {"NAD": "C082(3039"}}, "'C082(3039' is not an element"),
        ({"tree": {}, "segments": {"NAD": "C082(a b)"}}, "'a' is not a component"),
    ],
)
def test_a_structure_that_can_not_be_used_is_a_problem(structure: Any, text: str) -> None:
    with pytest.raises(ContextError) as error:
        grammar("edifact" if "segments" in structure else "x12", structure=structure)
    assert text in str(error.value)


def test_a_structure_is_a_file_too() -> None:
    text = b"x12: '850'\nversion: '004010'\ntree:\n  BEG: {}\n  PO1: {PID: {}}\n"
    found = load_edi(source("x12", grammar="s.yaml"), {"s.yaml": text})
    assert (found.type, found.child("PO1", "PID")) == ("850", "PO1/PID")
    for wrong in (
        b"[]",
        b"x12: 850\ntree: {A1: {}, A1: {}}",
        b"edifact: ORDERS",
        b"a: &b 1\nc: *b",
    ):
        with pytest.raises(ContextError):
            load_edi(source("x12", grammar="s.yaml"), {"s.yaml": wrong})
    with pytest.raises(ContextError, match="no structure of '999' is shipped"):
        load_edi(source("x12", type="999"), {})
