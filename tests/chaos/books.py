"""The ledger's rows as the checker reads them: plain statements that each database understands."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from tests.chaos.evidence import Evidence

Json = dict[str, Any]
COUNTS: Final = (
    "records",
    "used",
    "rejected",
    "skipped",
    "documents",
    "written",
    "documents_rejected",
)
_RUNS: Final = """
SELECT id, job, run, tenant, state, trigger, replay, deliver, previous, parts_total,
       epoch, attempts, lease_until, retry_at,
       records, used, rejected, skipped, documents, written, documents_rejected
FROM runs ORDER BY job, run
"""
_PARTS: Final = """
SELECT run_id, job, run, number, state, documents_key, epoch, attempts, lease_until, retry_at,
       records, used, rejected, skipped, documents, written, documents_rejected
FROM parts ORDER BY run_id, number
"""
_DELIVERIES: Final = """
SELECT job, run, topic, state, delivered, epoch, attempts, lease_until, retry_at FROM deliveries
"""
_REPLAYS: Final = """
SELECT replay, begun, left_out FROM errands WHERE dry_run = 0
"""
_OPEN: Final = """
SELECT (SELECT count(*) FROM runs WHERE state IN ('PENDING', 'PROCESSING')) AS runs,
       (SELECT count(*) FROM deliveries WHERE state = 'PENDING') AS deliveries,
       (SELECT count(*) FROM events WHERE published = 0) AS events,
       (SELECT count(*) FROM parts WHERE state IN ('DONE', 'DEAD')) AS parts,
       (SELECT coalesce(sum(cursor), 0) FROM deliveries) AS told
"""


@dataclass(frozen=True, slots=True)
class Books:
    """All rows that matter, read once the system has come to rest.

    Args:
        runs: by job, in order.
        parts: by run row, in order.
        deliveries: by (job, run).
        replays: what each was asked for and did, by its id.
    """

    jobs: list[Json]
    runs: dict[str, list[Json]]
    parts: dict[int, list[Json]]
    deliveries: dict[tuple[str, int], list[Json]]
    audit: list[Json]
    replays: dict[str, Json]
    unpublished: int


def read_books(evidence: Evidence) -> Books:
    """Read the ledger."""
    runs: dict[str, list[Json]] = defaultdict(list)
    parts: dict[int, list[Json]] = defaultdict(list)
    deliveries: dict[tuple[str, int], list[Json]] = defaultdict(list)
    for row in evidence.rows(_RUNS):
        runs[row["job"]].append(row)
    for row in evidence.rows(_PARTS):
        parts[row["run_id"]].append(row)
    for row in evidence.rows(_DELIVERIES):
        deliveries[row["job"], row["run"]].append(row)
    return Books(
        jobs=evidence.rows("SELECT id, tenant, name, sha256, run, state, source, key FROM jobs"),
        runs=runs,
        parts=parts,
        deliveries=deliveries,
        audit=evidence.rows("SELECT tenant, action, subject, data FROM audit"),
        replays={row["replay"]: row for row in evidence.rows(_REPLAYS)},
        unpublished=evidence.rows("SELECT count(*) AS n FROM events WHERE published = 0")[0]["n"],
    )


def open_work(evidence: Evidence) -> tuple[int, int]:
    """Return how much is open, and a number that changes while there is progress."""
    (now,) = evidence.rows(_OPEN)
    waiting = len([key for key in evidence.keys("inbox/") if key.rpartition("/")[2][:1] != "."])
    left = now["runs"] + now["deliveries"] + now["events"] + waiting
    return left, hash((left, now["parts"], now["told"]))
