"""What must hold of each accepted file, run by run: the promise in sentences that can fail."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tests.chaos.books import COUNTS, Books
from tests.chaos.evidence import Evidence
from tests.chaos.findings import Findings
from tests.chaos.recipes import Expected, make
from tests.chaos.witness import Sent

Json = dict[str, Any]
ENDED: Final = frozenset({"COMPLETED", "PARTIAL", "FAILED", "CANCELLED"})
SHOWN: Final = frozenset({"COMPLETED", "PARTIAL"})


@dataclass(frozen=True, slots=True)
class Result:
    """The documents of one finished run, as the store has them: their texts, in order."""

    tenant: str
    kind: str
    deliver: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """One run, and all that is known of it."""

    evidence: Evidence
    file: Sent
    run: Json
    parts: list[Json]
    expected: Expected
    findings: Findings

    @property
    def where(self) -> str:
        """The run in words."""
        return f"{self.file.recipe.name} run {self.run['run']}"

    def expect(self, found: object, expected: object, kind: str, text: str) -> None:
        """Note a fault unless both are equal."""
        self.findings.expect(found, expected, kind, f"{text} of {self.where}")


def check_arrivals(books: Books, sent: Mapping[str, Sent], findings: Findings) -> None:
    """Every acknowledged file is one job, that very one, with that very content."""
    made = Counter(job["name"] for job in books.jobs)
    for name, file in sent.items():
        if made[name] > 1:
            findings.add("doubled", f"{name} became {made[name]} jobs", made[name] - 1)
        if file.certain and made[name] == 0:
            findings.add("lost", f"{name} was acknowledged ({file.what}) and is no job")
    for job in books.jobs:
        file = sent.get(job["name"])
        if file is None:
            findings.add("wrong", f"nobody sent {job['name']}")
            continue
        if file.job:
            findings.expect(job["id"], file.job, "wrong", f"acknowledged job of {job['name']}")
        if job["sha256"]:
            findings.expect(job["sha256"], file.sha256, "wrong", f"content of {job['name']}")


def check_runs(
    evidence: Evidence, books: Books, sent: Mapping[str, Sent], findings: Findings
) -> dict[tuple[str, int], Result]:
    """Every run has one final state, the right one, with the right documents; returns those."""
    results: dict[tuple[str, int], Result] = {}
    for job in books.jobs:
        file = sent.get(job["name"])
        if file is None:
            continue
        runs = books.runs[job["id"]]
        _check_lineage(job, file, runs, findings)
        expected = make(file.recipe).expected
        for run in runs:
            case = _Case(evidence, file, run, books.parts[run["id"]], expected, findings)
            lines = _check_run(case)
            if lines is not None:
                result = Result(run["tenant"], file.recipe.kind, run["deliver"], lines)
                results[job["id"], run["run"]] = result
    return results


def _check_lineage(job: Json, file: Sent, runs: list[Json], findings: Findings) -> None:
    name = job["name"]
    numbers = [run["run"] for run in runs]
    findings.expect(numbers, list(range(1, len(runs) + 1)), "wrong", f"runs of {name}")
    least, most = file.reruns
    if len(runs) - 1 < least:
        findings.add("lost", f"{name}: {least} reruns acknowledged, {len(runs) - 1} there")
    if len(runs) - 1 > most:
        findings.add("doubled", f"{name}: {most} reruns asked for, {len(runs) - 1} there")
    if runs:
        current = (runs[-1]["run"], runs[-1]["state"])
        findings.expect((job["run"], job["state"]), current, "wrong", f"current run of {name}")
    for run in runs[1:]:
        findings.expect(run["previous"], run["run"] - 1, "wrong", f"lineage of {name}")


def _check_run(case: _Case) -> tuple[str, ...] | None:
    """Return the texts of the result's documents, None where there is no result."""
    run, file = case.run, case.file
    if run["state"] not in ENDED:
        case.findings.add("open", f"{case.where} is {run['state']}")
        return None
    _check_parts(case)
    if run["state"] == "CANCELLED":
        if not file.cancel:
            case.findings.add("lost", f"{case.where} was cancelled and nobody asked for that")
        return None
    if file.cancelled:
        case.findings.add("lost", f"{case.where} was cancelled for good and is {run['state']}")
    case.expect(run["state"], case.expected.state, "wrong", "state")
    if case.expected.refused:
        return None
    _check_counts(case)
    return _check_objects(case)


def _check_parts(case: _Case) -> None:
    """Parts are all there, ended once, and what is visible was written under the last lease."""
    run, findings = case.run, case.findings
    case.expect(len(case.parts), run["parts_total"], "wrong", "part rows")
    for part in case.parts:
        place = f"part {part['number']} of {case.where}"
        if part["state"] in {"PENDING", "LEASED"}:
            findings.add("open", f"{place} is {part['state']}")
        if part["state"] == "DEAD" and run["state"] != "CANCELLED":
            findings.add("dead", place)
        if part["documents_key"] and part["state"] == "DONE":
            epoch = part["documents_key"].rpartition("-")[2].partition(".")[0].lstrip("ei")
            fence, text = str(part["epoch"]), f"{place} shows what a lost lease wrote: epoch"
            findings.expect(epoch, fence, "doubled", text)
    if run["state"] in SHOWN:
        for name in COUNTS:
            total = sum(part[name] for part in case.parts)
            case.expect(total, run[name], "unbalanced", f"{name}, summed over the parts,")


def _check_counts(case: _Case) -> None:
    run, expected = case.run, case.expected
    used, rejected = len(expected.documents), len(expected.rejects)
    wanted = {
        "records": expected.records,
        "used": used,
        "rejected": rejected,
        "skipped": expected.skipped,
        "written": used,
    }
    case.expect({name: run[name] for name in wanted}, wanted, "unbalanced", "counts")
    together = run["used"] + run["rejected"] + run["skipped"]
    case.expect(together, run["records"], "unbalanced", "balance of records")
    together = run["written"] + run["documents_rejected"]
    case.expect(together, run["documents"], "unbalanced", "balance of documents")


def _check_objects(case: _Case) -> tuple[str, ...] | None:
    """The manifest names objects that are there, and they hold each document once, in order."""
    run = case.run
    text = manifest_of(case.evidence, run)
    if text is None:
        case.findings.add("lost", f"the manifest of {case.where}")
        return None
    manifest: Json = json.loads(text)
    told = (manifest["job"], manifest["run"], manifest["state"])
    case.expect(told, (run["job"], run["run"], run["state"]), "wrong", "manifest")
    lines = tuple(_joined(case, manifest, "documents").decode().splitlines())
    documents = [json.loads(line, parse_float=Decimal) for line in lines]
    compare(documents, case.expected.shown, f"documents of {case.where}", case.findings)
    rejects = [json.loads(line) for line in _joined(case, manifest, "rejects").splitlines()]
    places = [(reject["line"], reject["errors"][0]["code"]) for reject in rejects]
    compare(places, case.expected.rejects, f"rejects of {case.where}", case.findings)
    return lines if run["state"] in SHOWN else None


def manifest_of(evidence: Evidence, run: Json) -> bytes | None:
    """Read the manifest: an object of its own, or the last line of the run's only object."""
    stem = f"results/{run['tenant']}/{run['job']}/{run['run']}"
    whole = evidence.stored(f"{stem}/run.ndjson")
    if whole is not None:
        return whole.rstrip(b"\n").rpartition(b"\n")[2]
    return evidence.stored(f"{stem}/manifest.json")


def _joined(case: _Case, manifest: Json, what: str) -> bytes:
    """Read the objects that the manifest names, in its order."""
    pieces: list[bytes] = []
    for entry in (part[what] for part in manifest["parts"] if what in part):
        piece = b"" if entry["size"] == 0 else case.evidence.stored(entry["key"])
        if piece is None:
            case.findings.add("lost", f"{entry['key']}, which a manifest names")
            continue
        if "range" in entry:
            piece = piece[slice(*entry["range"])]
        case.expect(len(piece), entry["size"], "wrong", f"size of {entry['key']}")
        digest = hashlib.sha256(piece).hexdigest()
        case.expect(digest, entry.get("sha256", digest), "wrong", f"sha256 of {entry['key']}")
        pieces.append(piece)
    return b"".join(pieces)


def compare(found: list[Any], expected: list[Any], where: str, findings: Findings) -> None:
    """Note what is missing, what is too much, and what is out of order."""
    if found == expected:
        return
    here, wanted = Counter(_plain(found)), Counter(_plain(expected))
    missing, surplus = wanted - here, here - wanted
    if missing:
        findings.add("lost", f"{missing.total()} of {len(expected)} of {where}", missing.total())
    known = sum(count for item, count in surplus.items() if item in wanted)
    if known:
        findings.add("doubled", f"{known} of {where}", known)
    if surplus.total() > known:
        findings.add("wrong", f"{surplus.total() - known} of {where} that nobody expects")
    if not missing and not surplus:
        findings.add("wrong", f"order of {where}")


def _plain(items: list[Any]) -> list[str]:
    """Values as text in which equal numbers are equal."""

    def number(value: object) -> str:
        return str(value.normalize()) if isinstance(value, Decimal) else str(value)

    return [json.dumps(item, sort_keys=True, default=number) for item in items]
