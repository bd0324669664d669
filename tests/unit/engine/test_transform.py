"""The spine: counts balance, parts add up to the file, and one function judges a run."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helixnet.engine.context.bundle import bundle_from_files
from helixnet.engine.context.model import StopAt
from helixnet.engine.outcome import Counts
from helixnet.engine.plan import Plan, compile_plan
from helixnet.engine.transform import (
    FileOutcome,
    PartOutcome,
    index_file,
    map_part,
    transform_file,
)
from helixnet.engine.verdict import Verdict, judge, terms_of
from helixnet.errors import RefusedError

CONTEXT = """\
helixnet: 1
name: small
version: 1.0.0
target:
  type: object
  required: [id]
  properties: {id: {type: string}, n: {type: integer}, lines: {type: array}}
source:
  format: csv
  on_drift: warn
  fields:
    ID: {type: string, required: true}
    N: {type: integer}
skip_when: ID == "skip"
map: {id: ID, n: N}
"""
GROUPED = (
    CONTEXT.replace("skip_when: ID ==", "skip_when: h.ID ==").partition("map:")[0]
    + """\
group: {by: ID, order: consecutive, header: h, lines: lines}
map:
  id: h.ID
  lines: {each: lines, as: l, map: l.N}
"""
)


def plan_of(text: str, **changes: object) -> Plan:
    plan = compile_plan(bundle_from_files("c.yaml", {"c.yaml": text.encode()}))
    return replace(plan, context=replace(plan.context, **changes)) if changes else plan


PLAIN, ROWS = plan_of(CONTEXT), plan_of(GROUPED)
KEYED = plan_of(GROUPED.replace("consecutive", "keyed"))


def mapped(plan: Plan, data: bytes) -> tuple[FileOutcome, bytes, bytes]:
    documents, rejects = BytesIO(), BytesIO()
    outcome = transform_file(
        plan, BytesIO(data), documents=documents, rejects=rejects, file="f.csv"
    )
    return outcome, documents.getvalue(), rejects.getvalue()


def in_parts(plan: Plan, data: bytes, size: int) -> tuple[Sequence[PartOutcome], bytes, bytes]:
    index = index_file(plan, BytesIO(data), part_size=size)
    outcomes: list[PartOutcome] = []
    all_documents, all_rejects = b"", b""
    for part in index.parts:
        documents, rejects = BytesIO(), BytesIO()
        outcome = map_part(
            plan, index, part, BytesIO(data), documents=documents, rejects=rejects, file="f.csv"
        )
        assert outcome.outputs[0] == documents.getvalue().count(b"\n")
        assert outcome.counts.balanced
        outcomes.append(outcome)
        all_documents += documents.getvalue()
        all_rejects += rejects.getvalue()
    return outcomes, all_documents, all_rejects


rows = st.lists(
    st.sampled_from(["a,1", "a,x", ",2", "skip,3", '"b\nc",4', "ü,5", "d", "e,6,7", "", "f,8"]),
    max_size=25,
)


@given(rows, st.integers(1, 60), st.sampled_from([PLAIN, ROWS]))
def test_a_file_in_parts_gives_the_bytes_of_the_whole(
    lines: list[str], size: int, plan: Plan
) -> None:
    data = "\n".join(["ID,N", *lines]).encode()
    whole, documents, rejects = mapped(plan, data)
    outcomes, part_documents, part_rejects = in_parts(plan, data, size)
    assert part_documents == documents
    assert part_rejects == rejects
    assert sum((outcome.counts for outcome in outcomes), Counts()) == whole.counts
    assert whole.counts.written == documents.count(b"\n")
    assert whole.counts.rejected == rejects.count(b"\n")


@given(rows)
def test_keyed_groups_are_the_consecutive_ones_of_a_sorted_file(lines: list[str]) -> None:
    lines = [line for line in lines if line]
    firsts: dict[str, int] = {}
    for number, line in enumerate(lines):
        firsts.setdefault(line.partition(",")[0], number)
    gathered = sorted(lines, key=lambda line: firsts[line.partition(",")[0]])
    keyed, documents, _ = mapped(KEYED, "\n".join(["ID,N", *lines, ""]).encode())
    sorted_, expected, _ = mapped(ROWS, "\n".join(["ID,N", *gathered, ""]).encode())
    assert documents == expected
    assert keyed.counts == sorted_.counts
    assert [(one["record"], one["raw"]) for one in keyed.samples] == [
        (one["record"], one["raw"]) for one in sorted_.samples
    ]


def test_counts_balance_and_say_what_became_of_each_record() -> None:
    outcome, documents, _ = mapped(PLAIN, b"ID,N\na,1\nskip,1\nb,x\nc,2\n")
    assert documents == b'{"id":"a","n":1}\n{"id":"c","n":2}\n'
    assert outcome.counts == Counts(4, 2, 1, 1, 3, 2, 1)
    assert outcome.verdict == Verdict("PARTIAL")
    assert outcome.complete
    assert [sample["line"] for sample in outcome.samples] == [4]


def test_samples_stop_at_a_hundred() -> None:
    outcome, _, rejects = mapped(PLAIN, b"ID,N\n" + b"a,x\n" * 250)
    assert (len(outcome.samples), rejects.count(b"\n")) == (100, 250)
    assert outcome.counts.rejected == 250


def test_progress_is_told_by_records() -> None:
    seen: list[int] = []
    data = b"ID,N\n" + (b"a" * 500 + b",1\n") * 20_000
    transform_file(
        PLAIN,
        BytesIO(data),
        documents=BytesIO(),
        rejects=BytesIO(),
        file="f",
        on_index=lambda index: seen.append if index.parts else None,
    )
    assert sum(seen) == 20_000
    assert len(seen) > 1


def test_a_plain_limit_ends_early_and_its_counts_are_incomplete() -> None:
    plan = plan_of(CONTEXT, stop_at=StopAt(number=2))
    data = b"ID,N\n" + (b"a" * 500 + b",x\n") * 20_000
    outcome, _, _ = mapped(plan, data)
    assert not outcome.complete
    assert outcome.counts.records < 20_000
    assert (outcome.verdict.state, outcome.verdict.code) == ("FAILED", "HX-5007")


def test_rejects_of_earlier_parts_count_for_a_plain_limit() -> None:
    plan = plan_of(CONTEXT, stop_at=StopAt(number=3))
    index = index_file(plan, BytesIO(b"ID,N\na,x\nb,x\n"))
    outcomes = [
        map_part(
            plan,
            index,
            index.parts[0],
            BytesIO(b"ID,N\na,x\nb,x\n"),
            documents=BytesIO(),
            rejects=BytesIO(),
            file="f",
            rejected_before=before,
        )
        for before in (1, 2)
    ]
    assert [outcome.stopped for outcome in outcomes] == [False, True]


def test_a_drifted_file_may_reject_every_record() -> None:
    source = replace(PLAIN.context.source, on_drift="reject")
    outcome, documents, rejects = mapped(
        plan_of(CONTEXT, source=source), b"ID,N,NEW\na,1,2\nb,2,3\n"
    )
    assert (documents, rejects.count(b"HX-1108")) == (b"", 2)
    assert outcome.counts == Counts(2, 0, 2, 0, 2, 0, 2)
    assert outcome.drift


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("json", b'[{"ID": "a", "NEW": 1},\n{"ID": "b"}]'),
        ("ndjson", b'{"ID": "a", "NEW": 1}\n{"ID": "b"}\n'),
    ],
)
def test_the_policies_hold_for_json_too(form: str, data: bytes) -> None:
    base = CONTEXT.replace("format: csv", f"format: {form}")
    differs = ["unknown field 'NEW'", "missing field 'N'"]
    for policy, verdict, lost, drift in (
        ("allow", "COMPLETED", 0, []),
        ("warn", "COMPLETED", 0, differs),
        ("reject", "PARTIAL", 2, differs),
    ):
        outcome, _, rejects = mapped(plan_of(base.replace("warn", policy)), data)
        assert (outcome.verdict.state, rejects.count(b"HX-1108")) == (verdict, lost)
        assert list(outcome.drift) == drift
    with pytest.raises(RefusedError) as caught:
        mapped(plan_of(base.replace("warn", "fail")), data)
    assert caught.value.code == "HX-5003"


def test_a_retyped_column_is_drift() -> None:
    data = b"ID,N\na,x\nb,y\n"
    source = replace(PLAIN.context.source, on_drift="fail")
    with pytest.raises(RefusedError, match="retyped column 'N'"):
        mapped(plan_of(CONTEXT, source=source), data)
    _, _, rejects = mapped(plan_of(CONTEXT.replace("warn", "reject")), data)
    assert rejects.count(b"HX-1108") == 2


def test_a_drifted_file_may_be_refused() -> None:
    source = replace(PLAIN.context.source, on_drift="fail")
    with pytest.raises(RefusedError) as caught:
        mapped(plan_of(CONTEXT, source=source), b"ID,N,NEW\na,1,2\n")
    assert caught.value.code == "HX-5003"


@pytest.mark.parametrize(
    ("context", "header", "hint"),
    [
        ("map: {id: SKUU}", "SKU,N", "did you mean `SKU`?"),
        ("map: {id: SKU, x: {when: SKU == 'a', map: n}}", "SKU,N", "did you mean `N`?"),
        ("group: {by: SKU, same: DAYS}\nmap: {id: h.SKU}", "SKU,DAY", "did you mean `DAY`?"),
    ],
)
def test_a_file_without_a_column_that_is_read_is_one_refusal(
    context: str, header: str, hint: str
) -> None:
    """Not a reject of every record, where the header is all that declares the columns."""
    text = (
        f"helixnet: 1\nname: n\nversion: 1.0.0\ntarget: {{}}\nsource: {{format: csv}}\n{context}\n"
    )
    with pytest.raises(RefusedError) as caught:
        mapped(plan_of(text), f"{header}\na,1\nb,2\n".encode())
    assert (caught.value.code, caught.value.hint) == ("HX-5002", hint)
    assert mapped(plan_of(text), b"")[0].verdict == Verdict("COMPLETED")


def counts(records: int, rejected: int) -> Counts:
    good = records - rejected
    return Counts(records, good, rejected, 0, records, good, rejected)


@pytest.mark.parametrize(
    ("changes", "found", "stopped", "expected"),
    [
        ({}, counts(0, 0), False, ("COMPLETED", "")),
        ({}, counts(10, 0), False, ("COMPLETED", "")),
        ({}, counts(10, 10), False, ("PARTIAL", "")),
        ({"fail_file": True}, counts(10, 0), False, ("COMPLETED", "")),
        ({"fail_file": True}, counts(10, 1), False, ("FAILED", "HX-5006")),
        ({"stop_at": StopAt(percent=Decimal(5))}, counts(100, 5), False, ("PARTIAL", "")),
        ({"stop_at": StopAt(percent=Decimal(5))}, counts(100, 6), False, ("FAILED", "HX-5007")),
        ({"stop_at": StopAt(percent=Decimal("0.1"))}, counts(1000, 1), False, ("PARTIAL", "")),
        ({"stop_at": StopAt(percent=Decimal(0))}, counts(9, 1), False, ("FAILED", "HX-5007")),
        ({"stop_at": StopAt(number=1)}, counts(9, 1), False, ("PARTIAL", "")),
        ({"stop_at": StopAt(number=1)}, counts(9, 2), False, ("FAILED", "HX-5007")),
        ({"stop_at": StopAt(number=1)}, counts(9, 0), True, ("FAILED", "HX-5007")),
        ({}, counts(9, 0), True, ("FAILED", "HX-5008")),
        ({}, Counts(records=2, used=1), False, ("FAILED", "HX-5008")),
        ({}, Counts(documents=2, written=1), False, ("FAILED", "HX-5008")),
    ],
)
def test_one_function_judges_a_run(
    changes: dict[str, object], found: Counts, expected: tuple[str, str], *, stopped: bool
) -> None:
    verdict = judge(terms_of(plan_of(CONTEXT, **changes).context), found, stopped=stopped)
    assert (verdict.state, verdict.code) == expected
    assert bool(verdict.message) is (verdict.state == "FAILED")
