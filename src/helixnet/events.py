"""What travels: CloudEvents 1.0 with a claim check, and the fixed topics in one table."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("b7c7f4a5-8f0e-5f0e-9d51-6a1f5c6d0c11")
MAX_EVENT_BYTES: Final = 64 * 1024


class Topic(StrEnum):
    """The fixed topics; topics that contexts declare are ``helix.out.<tenant>.<name>``."""

    DROPS = "helix.drops"  # the store's own notification: a hint, never the truth
    PARTS = "helix.parts"  # signal: parts wait for a mapper
    MAPPED = "helix.mapped"  # signal: a part ended, DONE or DEAD
    JOBS = "helix.jobs"  # every change of state of a job's run
    RESULTS = "helix.results"  # one event a finished run
    DEAD = "helix.dead"  # what could not be decoded, with its bytes


def out_topic(tenant: str, name: str) -> str:
    """Return the full name of a topic that a context of ``tenant`` declares as ``name``."""
    return f"helix.out.{tenant}.{name}"


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent in binary mode (Kafka binding): headers from the fields, body from ``data``.

    Args:
        id: uuid5 of what it says, so that a repeat is recognisable.
        type: such as ``io.helixnet.job.changed.v1``.
        topic: full topic name.
        key: partition key.
        tenant: whose event it is.
        job: id of the job, or empty.
        seq: the job row's counter, raised in the same transaction; 0 without a job.
        time: RFC 3339, UTC.
        data: JSON object, at most 64 KiB encoded.
        traceparent: W3C trace context, or empty.
    """

    id: str
    type: str
    topic: str
    key: str
    tenant: str
    job: str
    seq: int
    time: str
    data: dict[str, Any]
    traceparent: str = ""


def event_id(kind: str, *parts: object) -> str:
    """Return the uuid5 of an event's kind and of what makes it unique."""
    return str(uuid5(NAMESPACE, "/".join((kind, *map(str, parts)))))


def now() -> str:
    """Return the present time as RFC 3339 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
