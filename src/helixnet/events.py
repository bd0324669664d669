"""What travels: CloudEvents 1.0 with a claim check, and the fixed topics in one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("b7c7f4a5-8f0e-5f0e-9d51-6a1f5c6d0c11")
MAX_EVENT_BYTES: Final = 64 * 1024
DROP_SEEN: Final = "io.helixnet.drop.seen.v1"  # what a store told of an object, made an event


class Topic(StrEnum):
    """The fixed topics; topics that contexts declare are ``helix.out.<tenant>.<name>``."""

    DROPS = "helix.drops"  # the store's own notification: a hint, never the truth
    PARTS = "helix.parts"  # signal: parts wait for a mapper
    MAPPED = "helix.mapped"  # signal: a part ended, DONE or DEAD
    JOBS = "helix.jobs"  # every change of state of a job's run
    RESULTS = "helix.results"  # one event a finished run
    DEAD = "helix.dead"  # what could not be decoded, with its bytes


OUT: Final = "helix.out."  # what the name of every declared topic starts with
_DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class TopicRule:
    """How the bus keeps a topic.

    Args:
        doc: what it carries.
        kept_days: after which a record goes; the ledger is the truth, a topic only tells.
        ordered: one partition, so that all of it has one order; else as many as is set.
        max_bytes: of a record with its headers.
    """

    doc: str
    kept_days: int
    ordered: bool = False
    max_bytes: int = 1 << 20

    @property
    def configs(self) -> Mapping[str, str]:
        """The settings that Kafka and Redpanda know by these names."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.kept_days * _DAY_MS),
            "max.message.bytes": str(self.max_bytes),
        }


TOPICS: Final[Mapping[str, TopicRule]] = {
    Topic.DROPS: TopicRule("what a bucket tells of new files; a hint, never the truth", 7),
    Topic.PARTS: TopicRule("parts of a file wait for a mapper; a small file has none", 7),
    Topic.MAPPED: TopicRule("a part has ended", 7),
    Topic.JOBS: TopicRule("every change of state of a job's run, and of its deliveries", 14),
    Topic.RESULTS: TopicRule("one event a run, when it has reached its final state", 30),
    Topic.DEAD: TopicRule("what could not be decoded, with its bytes", 30),
}
DECLARED: Final = TopicRule("the documents that a context delivers, in order", 30, ordered=True)


@dataclass(frozen=True, slots=True)
class TopicChange:
    """What was done about a topic, or would be.

    Args:
        topic: its name.
        action: ``created``, ``partitions raised``, ``settings changed``, ``kept``.
        detail: from what to what.
    """

    topic: str
    action: str
    detail: str = ""


def rule_of(topic: str) -> TopicRule | None:
    """Return the rule of a fixed or declared topic; None for a name that is neither."""
    return TOPICS.get(topic) or (DECLARED if topic.startswith(OUT) else None)


def out_topic(tenant: str, name: str) -> str:
    """Return the full name of a topic that a context of ``tenant`` declares as ``name``."""
    return f"{OUT}{tenant}.{name}"


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
