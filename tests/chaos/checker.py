"""The judge: a process of its own that knows the log, and what anybody can see from outside.

``python -m tests.chaos.checker LOG EVIDENCE`` prints one JSON object with what it found.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.books import Books, read_books
from tests.chaos.checks import Result, check_arrivals, check_runs
from tests.chaos.evidence import Evidence, open_evidence
from tests.chaos.findings import Findings
from tests.chaos.load import USERS, Client
from tests.chaos.telling import (
    check_deliveries,
    check_delivery_rows,
    check_mapped,
    check_results,
)
from tests.chaos.witness import read_log

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, so that a clean answer about nothing can't pass for a good one."""

    jobs: int
    runs: int
    documents: int
    delivered: int


def check(log: Path, told: Json, findings: Findings) -> tuple[Checked, Json]:
    """Hold the log against the system; returns what was looked at, and what lies about."""
    sent = read_log(log)
    clients = {USERS[user]: Client(told["url"], user) for user in USERS}
    tokens = {tenant: client.token() for tenant, client in clients.items()}
    evidence = open_evidence(told, tokens)
    books = read_books(evidence)
    check_arrivals(books, sent, findings)
    results = check_runs(evidence, books, sent, findings)
    check_rest(clients, books, results, findings)
    check_order_of_the_house(evidence, books, findings)
    check_delivery_rows(books, results, findings)
    delivered = 0
    for tenant in sorted(clients):
        check_results(evidence, books, tenant, findings)
        check_mapped(evidence, books, tenant, findings)
        delivered += check_deliveries(evidence, results, tenant, findings)
    left = leftovers(evidence, books)
    evidence.close()
    for client in clients.values():
        client.close()
    documents = sum(len(result.lines) for result in results.values())
    runs = sum(map(len, books.runs.values()))
    return Checked(len(books.jobs), runs, documents, delivered), left


def check_rest(
    clients: dict[str, Client],
    books: Books,
    results: dict[tuple[str, int], Result],
    findings: Findings,
) -> None:
    """REST says of the current run what ledger and store say."""
    for job in books.jobs:
        client = clients[job["tenant"]]
        shown: Json = client.insist("GET", f"/jobs/{job['id']}").json()
        told = (shown["run"], shown["state"], shown["filename"])
        findings.expect(told, (job["run"], job["state"], job["name"]), "wrong", "what REST shows")
        answer = client.insist("GET", f"/jobs/{job['id']}/result")
        result = results.get((job["id"], job["run"]))
        if result is None:
            findings.expect(answer.status_code, 404, "wrong", f"result of {job['name']} by REST")
        else:
            lines = tuple(answer.text.splitlines())
            findings.expect(lines, result.lines, "wrong", f"result of {job['name']} by REST")


def check_order_of_the_house(evidence: Evidence, books: Books, findings: Findings) -> None:
    """No lease is held, nothing waits, nothing is an orphan, and the audit knows each deed."""
    everything = [row for rows in books.runs.values() for row in rows]
    everything += [row for rows in books.parts.values() for row in rows]
    everything += [row for rows in books.deliveries.values() for row in rows]
    for row in everything:
        if row["lease_until"] or row["retry_at"]:
            findings.add("open", f"job {row['job']} run {row['run']} is leased or waits: {row}")
    known = {job["id"] for job in books.jobs}
    for job in set(books.runs) - known:
        findings.add("wrong", f"runs of a job that is not there: {job}")
    if books.unpublished:
        findings.add("open", f"{books.unpublished} events are unsent")
    for key in evidence.keys("inbox/"):
        findings.add("lost", f"{key} still lies in the inbox")
    _check_audit(books, findings)


def _check_audit(books: Books, findings: Findings) -> None:
    said = Counter((row["action"], row["subject"]) for row in books.audit)
    replayed = Counter(row["replay"] for runs in books.runs.values() for row in runs[1:])
    for job in books.jobs:
        runs = books.runs[job["id"]]
        again = sum(run["trigger"] == "rerun" for run in runs)
        ended = sum(run["state"] == "CANCELLED" for run in runs)
        text = f"audit of {job['name']}"
        findings.expect(said["job.rerun", job["id"]], again, "wrong", f"reruns in the {text}")
        findings.expect(said["job.cancel", job["id"]], ended, "wrong", f"cancels in the {text}")
    for row in books.audit:
        if row["action"] == "job.replay":
            data: Json = json.loads(row["data"])
            text = f"of replay {row['subject']}"
            replay = books.replays.get(row["subject"], {"begun": 0, "left_out": "[]"})
            begun = replay["begun"]
            left = len(json.loads(replay["left_out"]))  # jobs that had begun to run meanwhile
            findings.expect(replayed[row["subject"]], begun, "wrong", f"runs {text}")
            findings.expect(begun + left, data["jobs"], "wrong", f"jobs begun or left out {text}")


def leftovers(evidence: Evidence, books: Books) -> Json:
    """Count what a crash may leave in the store without anybody speaking of it."""
    work = {job["key"] for job in books.jobs}
    stems = {
        f"results/{run['tenant']}/{run['job']}/{run['run']}"
        for runs in books.runs.values()
        for run in runs
        if run["state"] == "CANCELLED"
    }
    results = evidence.keys("results/")
    visible = {f"{stem}/{name}" for stem in stems for name in ("manifest.json", "run.ndjson")}
    return {
        "unspoken files in work/": len(evidence.keys("work/") - work),
        "manifests of cancelled runs": len(results & visible),
    }


def main(arguments: list[str]) -> int:
    """Print what was found; 1 if anything is wrong."""
    log, told = (Path(argument) for argument in arguments)
    findings = Findings()
    checked, left = check(log, json.loads(told.read_text("utf-8")), findings)
    answer = {
        "findings": dict(findings.counts),
        "texts": findings.texts,
        "jobs": checked.jobs,
        "runs": checked.runs,
        "documents": checked.documents,
        "delivered": checked.delivered,
        "leftovers": left,
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 1 if findings.counts else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
