"""The ledger's tables: one source of truth for what was accepted, done, told and asked.

The rows of jobs, runs, parts and deliveries carry their own fence (``epoch``) and lease, so every
effect is one conditional UPDATE of the row it is about. ``migrations/`` makes the same tables
step by step; a contract test holds both equal.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from helixnet.ledger.json_text import Json

REVISION: Final = "0009"  # the migration that leads to these tables
INLINE_BYTES: Final = 64 * 1024  # files and outputs up to this size live in their row

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_Serial = BigInteger().with_variant(Integer, "sqlite")

# Partial indexes need the very words of the query that uses them: both take them from here.
RUN_WAITS: Final = "state = 'PENDING' AND lease_until = 0 AND retry_at = 0"
RUN_SETTLED: Final = "state = 'PROCESSING' AND settled = 1 AND lease_until = 0 AND retry_at = 0"
PART_WAITS: Final = "state = 'PENDING' AND retry_at = 0"
PART_OPEN: Final = "state IN ('PENDING', 'LEASED')"
DELIVERY_WAITS: Final = "state = 'PENDING' AND lease_until = 0 AND retry_at = 0"
DEAD: Final = "state = 'DEAD'"
ERRAND_WAITS: Final = "state = 'PENDING' AND lease_until = 0 AND retry_at = 0"
LEASED: Final = "lease_until > 0"
RETRIES: Final = "retry_at > 0"
UNPUBLISHED: Final = "published = 0"
UNPACKED: Final = "unpacked_key <> ''"
PLACED: Final = "position > 0"


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _serial() -> Column[int]:
    return Column("id", _Serial, primary_key=True, autoincrement=True)


def _words(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default="0") for name in names]


def _lease() -> list[Column[Any]]:
    """Columns of every row that workers claim; 0 = none."""
    return [*_numbers("epoch", "attempts", "lease_until", "retry_at"), *_words("worker")]


def _counts() -> list[Column[int]]:
    """One column for each field of :class:`helixnet.engine.outcome.Counts`."""
    return _numbers(
        "records", "used", "rejected", "skipped", "documents", "written", "documents_rejected"
    )


jobs = Table(
    "jobs",
    metadata,
    Column("no", _Serial, primary_key=True, autoincrement=True),  # order of acceptance
    Column("id", Text, nullable=False, unique=True),
    Column("tenant", Text, nullable=False),
    *_words("flow", "name", "source", "submitted_by", "context"),
    *_words("key", "version", "sha256"),  # the accepted file in the store; empty when inline
    *_words("origin_key", "origin_version"),  # the drop's identity; empty for an upload
    *_words("parent"),  # the job whose corrected rejects these are
    *_numbers("parent_run", "size", "seq", "run"),
    Column("state", Text, nullable=False),
    *_numbers("created", "changed", "purged"),
    *_words("traceparent"),
    Column("content", LargeBinary),
    *_numbers("corrects", "superseded"),  # a child: how many records; whether others have them now
    _partial(
        "ux_jobs_origin",
        "tenant",
        "origin_key",
        "origin_version",
        where="origin_key <> ''",
        unique=True,
    ),
    Index("ix_jobs_tenant_no", "tenant", "no"),
    Index("ix_jobs_parent", "parent"),
    Index("ix_jobs_tenant_state_no", "tenant", "state", "no"),
    Index("ix_jobs_tenant_flow_no", "tenant", "flow", "no"),
    Index("ix_jobs_tenant_context_no", "tenant", "context", "no"),
    sqlite_autoincrement=True,
)
runs = Table(
    "runs",
    metadata,
    _serial(),
    Column("job", Text, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("state", Text, nullable=False),
    *_lease(),
    *_words("context_hash", "context_name", "context_version"),
    Column("inputs", Json),
    *_words("trigger", "replay", "deliver", "engine", "asked_by", "stop_percent"),
    Column("stop_number", BigInteger),
    *_numbers("previous", "fail_file", "parts_total", "settled", "incomplete"),
    *_numbers("results_gone", "rejects_gone"),
    *_counts(),
    *_numbers("created", "started", "finished"),
    Column("error", Json),
    Column("source_index", Json),
    Column("manifest", Json),
    Column("result_keys", Json),  # what the sink wrote: gone when the results are
    *_words("traceparent"),
    Column("given", Json),  # where the tenant has values: who gave which, see ledger/inputs.py
    *_words("unpacked_key", "unpacked_version"),  # of a packed file, until the run has ended
    *_numbers("unpacked_size"),
    UniqueConstraint("job", "run"),
    _partial("ix_runs_unpacked", "id", where=UNPACKED),
    _partial("ix_runs_waits", "tenant", "id", where=RUN_WAITS),
    _partial("ix_runs_settled", "tenant", "id", where=RUN_SETTLED),
    _partial("ix_runs_leased", "lease_until", where=LEASED),
    _partial("ix_runs_retries", "retry_at", where=RETRIES),
    sqlite_autoincrement=True,
)
parts = Table(
    "parts",
    metadata,
    _serial(),
    Column("run_id", _Serial, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("job", Text, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    *_numbers("start_byte", "end_byte", "first_line", "first_record", "expected"),
    Column("state", Text, nullable=False),
    *_lease(),
    *_counts(),
    *_words("documents_key", "documents_version", "documents_sha256"),
    *_words("rejects_key", "rejects_version"),
    *_numbers("documents_size", "rejects_size", "finished"),
    Column("error", Json),
    Column("outputs", Json),  # what of the documents is of which output, where they have names
    Column("documents_inline", LargeBinary),
    Column("rejects_inline", LargeBinary),
    UniqueConstraint("run_id", "number"),
    _partial("ix_parts_waits", "tenant", "id", where=PART_WAITS),
    _partial("ix_parts_open", "run_id", where=PART_OPEN),
    _partial("ix_parts_leased", "lease_until", where=LEASED),
    _partial("ix_parts_retries", "retry_at", where=RETRIES),
    _partial("ix_parts_dead", "run_id", where=DEAD),
    sqlite_autoincrement=True,
)
rejects = Table(
    "rejects",
    metadata,
    _serial(),
    Column("run_id", _Serial, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("tenant", Text, nullable=False),
    *_numbers("part", "record", "line"),
    *_words("code"),
    Column("reject", Json),
    Index("ix_rejects_run", "run_id", "part", "record"),
    Index("ix_rejects_tenant", "tenant", "id"),
    sqlite_autoincrement=True,
)
deliveries = Table(
    "deliveries",
    metadata,
    _serial(),
    Column("run_id", _Serial, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("job", Text, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    *_words("topic", "policy"),
    Column("state", Text, nullable=False),
    *_lease(),
    *_numbers("cursor", "delivered", "created", "finished", "output"),
    Column("error", Json),
    UniqueConstraint("run_id", "number"),
    Index("ix_deliveries_job", "job"),
    _partial("ix_deliveries_waits", "tenant", "id", where=DELIVERY_WAITS),
    _partial("ix_deliveries_leased", "lease_until", where=LEASED),
    _partial("ix_deliveries_retries", "retry_at", where=RETRIES),
    _partial("ix_deliveries_dead", "run_id", where=DEAD),
    sqlite_autoincrement=True,
)
events = Table(
    "events",
    metadata,
    _serial(),
    *_words("event", "type", "topic", "key", "tenant", "job"),
    *_numbers("seq", "at", "published", "claimed"),
    *_words("traceparent", "data"),
    *_numbers("position"),  # where readers of a topic find it; see dialect.position_of
    Index("ix_events_topic_id", "topic", "id"),
    _partial("ix_events_position", "topic", "position", where=PLACED),
    _partial("ix_events_job", "job", "topic", "id", where="job <> ''"),
    _partial("ix_events_unpublished", "id", where=UNPUBLISHED),
    sqlite_autoincrement=True,
)
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),  # of the event that tells of it, too
    *_words("topic"),
    *_numbers("partition", "offset"),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", Json),
    *_words("error", "reason", "requeued_by"),
    *_numbers("at", "requeued"),
    sqlite_autoincrement=True,
)
offsets = Table(
    "offsets",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    *_numbers("position"),
)
turns = Table(
    "turns",
    metadata,
    Column("queue", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    *_numbers("turn"),
)
idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    *_words("fingerprint", "job"),
    *_numbers("created"),
    Index("ix_idempotency_job", "job"),
)
replays = Table(
    "replays",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    *_words("actor", "context_hash", "deliver"),
    Column("selection", Json),
    *_numbers("jobs", "created"),
)
errands = Table(
    "errands",  # what a replay has yet to begin, or a dry run to compare
    metadata,
    _serial(),
    Column("replay", Text, nullable=False, unique=True),
    Column("tenant", Text, nullable=False),
    Column("state", Text, nullable=False),
    *_lease(),
    *_words("actor", "context_hash", "context_name", "context_version", "deliver", "engine"),
    *_numbers("dry_run", "selected", "cursor", "begun", "created", "finished"),
    Column("ids", Json),  # of the jobs, in order of acceptance
    Column("left_out", Json),
    Column("comparison", Json),
    Column("error", Json),
    _partial("ix_errands_waits", "tenant", "id", where=ERRAND_WAITS),
    _partial("ix_errands_leased", "lease_until", where=LEASED),
    _partial("ix_errands_retries", "retry_at", where=RETRIES),
    sqlite_autoincrement=True,
)
fixes = Table(
    "fixes",  # which child has taken which reject
    metadata,
    Column("run_id", _Serial, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("record", BigInteger, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("child", Text, nullable=False),  # stays said when the child itself is gone
    Index("ix_fixes_child", "child"),
)
tenants = Table("tenants", metadata, Column("name", Text, primary_key=True), *_numbers("created"))
tenant_inputs = Table(
    "tenant_inputs",  # values for the inputs of whatever context
    metadata,
    Column("tenant", Text, ForeignKey("tenants.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Json, nullable=False),
    *_words("changed_by"),
    *_numbers("changed"),
)
flows = Table(
    "flows",
    metadata,
    Column("tenant", Text, ForeignKey("tenants.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    *_words("match", "context", "version", "keep", "created_by"),
    Column("inputs", Json),
    Column("retention", Json),
    *_numbers("created"),
)
partners = Table(
    "partners",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tenant", Text, ForeignKey("tenants.name"), nullable=False),
    Column("keys", Json),
    *_words("created_by"),
    *_numbers("created"),
)
bundles = Table(
    "bundles",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
    *_words("entry", "key"),
    *_numbers("size", "created"),
    Column("content", LargeBinary),
)
contexts = Table(
    "contexts",
    metadata,
    _serial(),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    *_words("hash", "created_by"),
    *_numbers("created"),
    UniqueConstraint("tenant", "name", "version"),
    sqlite_autoincrement=True,
)
audit = Table(
    "audit",
    metadata,
    _serial(),
    *_numbers("at"),
    *_words("tenant", "actor", "action", "subject"),
    Column("data", Json),
    Index("ix_audit_tenant_id", "tenant", "id"),
    sqlite_autoincrement=True,
)
garbage = Table(
    "garbage",
    metadata,
    Column("key", Text, primary_key=True),  # no row speaks of it any more; the store still has it
    *_numbers("created"),
)
meta = Table("meta", metadata, Column("name", Text, primary_key=True), *_words("value"))
