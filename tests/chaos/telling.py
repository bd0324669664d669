"""What must hold of events: all are told, in order, once after removal of repeated ids."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.chaos.books import Books
from tests.chaos.checks import ENDED, Result, compare
from tests.chaos.contexts import DELIVERED
from tests.chaos.evidence import Evidence
from tests.chaos.findings import Findings

Json = dict[str, Any]
Run = tuple[str, int]


@dataclass(slots=True)
class Told:
    """What one topic said of one run, repeated ids removed."""

    positions: list[int]
    keys: list[str]
    digests: list[str]
    records: list[Any]


def _distinct(evidence: Evidence, topic: str, tenant: str) -> Iterator[Json]:
    """A consumer that removes repeats by id, as every consumer is told to."""
    seen: set[str] = set()
    for event in evidence.topic(topic, tenant):
        if event["id"] not in seen:
            seen.add(event["id"])
            yield event


def check_results(evidence: Evidence, books: Books, tenant: str, findings: Findings) -> None:
    """Each run that ended is told once on ``helix.results``, with the state it has."""
    told: dict[Run, list[str]] = defaultdict(list)
    for event in _distinct(evidence, "helix.results", tenant):
        told[event["job"], event["data"]["run"]].append(event["data"]["state"])
    for job, runs in books.runs.items():
        for run in (run for run in runs if run["tenant"] == tenant and run["state"] in ENDED):
            where = f"event of job {job} run {run['run']} on helix.results"
            compare(told.pop((job, run["run"]), []), [run["state"]], where, findings)
    for (job, number), states in told.items():
        findings.add("wrong", f"job {job} run {number} is told as {states} and has not ended")


def check_mapped(evidence: Evidence, books: Books, tenant: str, findings: Findings) -> None:
    """Each part that is done was told once on ``helix.mapped``: its end had one effect."""
    told = Counter(
        (event["job"], event["data"]["run"], event["data"]["part"])
        for event in _distinct(evidence, "helix.mapped", tenant)
        if event["data"]["state"] == "DONE"
    )
    done = Counter(
        (part["job"], part["run"], part["number"])
        for runs in books.runs.values()
        for run in runs
        if run["tenant"] == tenant
        for part in books.parts[run["id"]]
        if part["state"] == "DONE"
    )
    for kind, surplus in (("lost", done - told), ("doubled", told - done)):
        for (job, number, part), times in surplus.items():
            where = f"part {part} of job {job} run {number} on helix.mapped"
            findings.add(kind, f"end of {where}", times)


def check_deliveries(
    evidence: Evidence, results: Mapping[Run, Result], tenant: str, findings: Findings
) -> int:
    """Each record of a delivered run is told once, in order, with its content; returns how many."""
    count = 0
    for name in sorted(set(DELIVERED.values())):
        topic = f"helix.out.{tenant}.{name}"
        told = _by_run(evidence, topic, tenant)
        for run, result in results.items():
            due = result.deliver == "all" and DELIVERED.get(result.kind) == name
            if result.tenant == tenant and due:
                count += len(result.lines)
                said = told.pop(run, Told([], [], [], []))
                _check_delivery(said, result, f"job {run[0]} run {run[1]} on {topic}", findings)
        for (job, number), said in told.items():
            text = f"{len(said.records)} records of job {job} run {number} on {topic}"
            findings.add("wrong", f"{text} were not to be delivered")
    return count


def check_delivery_rows(books: Books, results: Mapping[Run, Result], findings: Findings) -> None:
    """Each delivery has ended and says how much it told."""
    for run, rows in books.deliveries.items():
        for row in rows:
            where = f"delivery of job {run[0]} run {run[1]}"
            if row["state"] != "DONE":
                kind = "dead" if row["state"] == "DEAD" else "open"
                findings.add(kind, f"{where} is {row['state']}")
            elif run in results and row["delivered"] != len(results[run].lines):
                findings.add("unbalanced", f"{where} says {row['delivered']}")


def _by_run(evidence: Evidence, topic: str, tenant: str) -> dict[Run, Told]:
    told: dict[Run, Told] = {}
    for event in _distinct(evidence, topic, tenant):
        data = event["data"]
        said = told.setdefault((event["job"], data["run"]), Told([], [], [], []))
        said.positions.append(data["position"])
        said.keys.append(event["key"])
        said.digests.append(data["sha256"])
        said.records.append(data["record"])
    return told


def _check_delivery(said: Told, result: Result, where: str, findings: Findings) -> None:
    places = list(range(len(result.lines)))
    compare(said.positions, places, f"positions of {where}", findings)
    documents = [json.loads(line, parse_float=Decimal) for line in result.lines]
    compare(said.records, documents, f"records of {where}", findings)
    keys = [document["orderId"] for document in documents]
    compare(said.keys, keys, f"keys of {where}", findings)
    digests = [hashlib.sha256(line.encode()).hexdigest() for line in result.lines]
    compare(said.digests, digests, f"content hashes of {where}", findings)
