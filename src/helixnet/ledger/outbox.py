"""Events as rows: what a transaction tells is written with what it does, and read by position.

In the embedded shape this table is the bus. Elsewhere a relay publishes what is unmarked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, text, update

from helixnet.errors import TooLargeError
from helixnet.events import MAX_EVENT_BYTES, Event
from helixnet.ledger.dialect import clock, first_of, microseconds, replace, rfc3339
from helixnet.ledger.json_text import pack, unpack
from helixnet.ledger.tables import UNPUBLISHED, events, offsets

RELAYED = "helixnet_relayed"  # execution option: False where the table itself is the bus

TOLD = "helixnet_told"  # execution option: a set that takes the topics of what is written

_EMIT = insert(events).values(at=clock())
_TOPIC = (
    select(events)
    .where(events.c.topic == bindparam("topic"), events.c.id > bindparam("after"))
    .order_by(events.c.id)
    .limit(bindparam("most"))
)
_JOB = (
    select(events)
    .where(
        events.c.job == bindparam("job"),
        text("job <> ''"),
        events.c.tenant == bindparam("tenant"),
        events.c.id > bindparam("after"),
    )
    .order_by(events.c.id)
    .limit(bindparam("most"))
)
_OLDEST = (
    select(events.c.id)
    .where(
        text(UNPUBLISHED),
        events.c.at <= clock() - bindparam("age"),
        events.c.claimed <= clock() - bindparam("stale"),
    )
    .order_by(events.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(events)
    .where(events.c.id.in_(first_of(_OLDEST)))
    .values(claimed=clock())
    .returning(events)
)
_MARK = (
    update(events)
    .where(events.c.id.in_(bindparam("ids", expanding=True)), text(UNPUBLISHED))
    .values(published=1)
)
_POSITION = select(offsets.c.position).where(
    offsets.c.consumer == bindparam("consumer"), offsets.c.topic == bindparam("topic")
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An event with its place in the table, from which a reader goes on."""

    position: int
    event: Event


def _stored(row: RowMapping) -> Stored:
    return Stored(
        row["id"],
        Event(
            id=row["event"],
            type=row["type"],
            topic=row["topic"],
            key=row["key"],
            tenant=row["tenant"],
            job=row["job"],
            seq=row["seq"],
            time=rfc3339(row["at"]),
            data=unpack(row["data"]),
            traceparent=row["traceparent"],
        ),
    )


def emit(conn: Connection, batch: Sequence[Event]) -> None:
    """Write events in the caller's transaction; the database's clock gives their time.

    Raises:
        TooLargeError: the data of one is over 64 KiB: store it and send the claim check.
    """
    if not batch:
        return
    options = conn.get_execution_options()
    published = 0 if options.get(RELAYED, True) else 1
    if TOLD in options:
        options[TOLD].update(event.topic for event in batch)
    conn.execute(_EMIT, [_row(event, published) for event in batch])


def _row(event: Event, published: int) -> dict[str, Any]:
    data = pack(event.data)
    if len(data.encode()) > MAX_EVENT_BYTES:
        raise TooLargeError(
            f"the data of an event for {event.topic} is over {MAX_EVENT_BYTES} bytes",
            hint="store it and let the event name the object",
        )
    return {
        "event": event.id,
        "type": event.type,
        "topic": event.topic,
        "key": event.key,
        "tenant": event.tenant,
        "job": event.job,
        "seq": event.seq,
        "data": data,
        "traceparent": event.traceparent,
        "published": published,
    }


def read_topic(conn: Connection, topic: str, after: int, limit: int = 200) -> list[Stored]:
    """Return the events of a topic whose position exceeds ``after``, in order of position.

    Position is order of commit in SQLite only; elsewhere a late commit may appear behind it.
    """
    found = conn.execute(_TOPIC, {"topic": topic, "after": after, "most": limit})
    return [_stored(row) for row in found.mappings()]


def job_events(
    conn: Connection, *, tenant: str, job: str, after: int = 0, limit: int = 200
) -> list[Stored]:
    """Return the events of one job after a position, for its live view."""
    given = {"tenant": tenant, "job": job, "after": after, "most": limit}
    return [_stored(row) for row in conn.execute(_JOB, given).mappings()]


def unpublished(
    conn: Connection, *, older_than: float = 0, limit: int = 500, stale: float = 30
) -> list[Stored]:
    """Claim unmarked events for sending; nobody else gets them for ``stale`` seconds.

    Args:
        conn: to write on.
        limit: most events in one call.
        stale: seconds.
        older_than: seconds; 0 for the process that wrote them, 30 for a sweeper.
    """
    given = {"age": microseconds(older_than), "stale": microseconds(stale), "most": limit}
    found = conn.execute(_CLAIM, given).mappings()
    return sorted((_stored(row) for row in found), key=lambda stored: stored.position)


def mark_published(conn: Connection, positions: Sequence[int]) -> int:
    """Say that these were sent; returns how many were not marked before."""
    return conn.execute(_MARK, {"ids": list(positions)}).rowcount if positions else 0


def position(conn: Connection, consumer: str, topic: str) -> int:
    """Return up to where ``consumer`` has read ``topic``; 0 = nothing yet."""
    found = conn.execute(_POSITION, {"consumer": consumer, "topic": topic}).scalar()
    return 0 if found is None else int(found)


def commit_position(conn: Connection, consumer: str, topic: str, reached: int) -> None:
    """Say that ``consumer`` has dealt with ``topic`` up to ``reached``."""
    row = {"consumer": consumer, "topic": topic, "position": reached}
    conn.execute(replace(conn, offsets), row)
