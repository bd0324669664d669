"""Events as rows: what a transaction tells is written with what it does, and read by position.

In the embedded shape this table is the bus. Elsewhere a relay publishes what is unmarked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Connection,
    Insert,
    RowMapping,
    Select,
    any_,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)

from helixnet.errors import TooLargeError
from helixnet.events import MAX_EVENT_BYTES, Event
from helixnet.ledger import dialect
from helixnet.ledger.dialect import clock, first_of, microseconds, position_of, rfc3339
from helixnet.ledger.json_text import pack, unpack
from helixnet.ledger.tables import PLACED, UNPUBLISHED, events, offsets

TOLD: Final = "helixnet_told"  # execution option: the Told of the transaction in hand
CHANNEL: Final = "helixnet"  # where Postgres tells other processes which topics have news
_PLACING: Final = 0x48454C49  # advisory lock: positions appear in their order
_SWEEPING: Final = 0x48454C4A  # advisory lock: one sweeper at a time looks what is left
_NOTICE_BYTES: Final = 7000  # of the 8000 that a NOTIFY may have


@dataclass(frozen=True, slots=True)
class Stored:
    """An event with its place in the table, from which a reader goes on.

    Args:
        size: bytes of its data as stored.
    """

    position: int
    event: Event
    size: int = 0


@dataclass(slots=True)
class Told:
    """What a transaction has told so far; its adapter looks here after the commit.

    Args:
        relayed: whether the events must be marked later, and so are kept here; False where the
            table itself is the bus.
    """

    relayed: bool
    topics: set[str] = field(default_factory=set[str])
    events: list[Stored] = field(default_factory=list[Stored])
    wrote: bool = False


_EMIT: Final[Insert] = insert(events).values(at=clock())
_EMIT_KEPT = _EMIT.returning(events.c.id, events.c.at, sort_by_parameter_order=True)
_JOB = (
    select(events)
    .where(
        events.c.job == bindparam("job"),
        text("job <> ''"),
        events.c.topic == bindparam("topic"),
        events.c.tenant == bindparam("tenant"),
        events.c.id > bindparam("after"),
    )
    .order_by(events.c.id)
    .limit(bindparam("most"))
)
_UNSENT = (
    select(events)
    .where(
        text(UNPUBLISHED), events.c.topic == bindparam("topic"), events.c.job == bindparam("job")
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
_SWEPT = (  # who claims begins with the oldest
    select(events.c.claimed > clock() - bindparam("stale", type_=BigInteger))
    .where(text(UNPUBLISHED))
    .order_by(events.c.id)
    .limit(1)
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
_PICKED = (
    select(events.c.id)
    .where(events.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger))), text(UNPUBLISHED))
    .order_by(events.c.id)
    .with_for_update()
    .cte("picked")
)
_PLACED = select(_PICKED.c.id, func.nextval("events_position").label("position")).cte("placed")
_PLACE = (
    update(events)
    .where(events.c.id == _PLACED.c.id)
    .values(published=1, position=_PLACED.c.position)
    .returning(events.c.topic)
)
_POSITION = select(offsets.c.position).where(
    offsets.c.consumer == bindparam("consumer"), offsets.c.topic == bindparam("topic")
)


@cache
def _topic(place: Column[int]) -> Select[Any]:
    placed = () if place is events.c.id else (text(PLACED),)
    return (
        select(events)
        .where(events.c.topic == bindparam("topic"), place > bindparam("after"), *placed)
        .order_by(place)
        .limit(bindparam("most"))
    )


def _stored(row: RowMapping, place: str = "id") -> Stored:
    event = Event(
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
    )
    return Stored(row[place], event, len(row["data"]))


def emit(conn: Connection, batch: Sequence[Event]) -> None:
    """Write events in the caller's transaction; the database's clock gives their time.

    Raises:
        TooLargeError: the data of one is over 64 KiB: store it and send the claim check.
    """
    if not batch:
        return
    told: Told | None = conn.get_execution_options().get(TOLD)
    rows = [_row(event) for event in batch]
    if told is not None:
        told.topics.update(event.topic for event in batch)
    if told is None or not told.relayed:
        published = 0 if told is None else 1
        conn.execute(_EMIT, [{**row, "published": published} for row in rows])
        return
    made = conn.execute(_EMIT_KEPT, rows).all()
    for event, row, (number, at) in zip(batch, rows, made, strict=True):
        told.events.append(Stored(number, replace(event, time=rfc3339(at)), len(row["data"])))


def _row(event: Event) -> dict[str, Any]:
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
    }


def read_topic(conn: Connection, topic: str, after: int, limit: int = 200) -> list[Stored]:
    """Return the events of a topic whose position exceeds ``after``, in order of position.

    What appears later has a higher position, whoever commits when.
    """
    place = position_of(conn, events)
    found = conn.execute(_topic(place), {"topic": topic, "after": after, "most": limit})
    return [_stored(row, place.name) for row in found.mappings()]


def job_events(
    conn: Connection, *, tenant: str, job: str, topic: str, after: int = 0, limit: int = 200
) -> list[Stored]:
    """Return the events of one job on one topic after a position, for its live view.

    Here the position is the id, which can be relied on where the writers of a job's events take
    turns: those of ``helix.jobs`` hold its row, and a finished delivery writes no more.
    """
    given = {"tenant": tenant, "job": job, "topic": topic, "after": after, "most": limit}
    return [_stored(row) for row in conn.execute(_JOB, given).mappings()]


def unsent(conn: Connection, *, topic: str, job: str, limit: int = 500) -> list[Stored]:
    """Return a job's unmarked events of a topic in order, whoever wrote them."""
    given = {"topic": topic, "job": job, "most": limit}
    return [_stored(row) for row in conn.execute(_UNSENT, given).mappings()]


def unpublished(
    conn: Connection, *, older_than: float = 0, limit: int = 500, stale: float = 30
) -> list[Stored]:
    """Claim unmarked events for sending; nobody else gets any until these are marked.

    Whoever sends begins with the oldest that nobody marked and leaves none out: so a topic has
    its events in order, whatever is repeated. One who claimed and died is waited for.

    Args:
        conn: to write on.
        limit: most events in one call.
        stale: seconds after which one who claimed counts as dead.
        older_than: seconds; those who wrote them send them first.
    """
    given = {"age": microseconds(older_than), "stale": microseconds(stale), "most": limit}
    if dialect.has_row_locks(conn):
        conn.execute(select(func.pg_advisory_xact_lock(_SWEEPING)))
    if conn.execute(_SWEPT, {"stale": given["stale"]}).scalar():
        return []
    found = conn.execute(_CLAIM, given).mappings()
    return sorted((_stored(row) for row in found), key=lambda stored: stored.position)


def mark_published(conn: Connection, ids: Sequence[int]) -> int:
    """Say that these were sent; returns how many were not marked before.

    On Postgres they get their positions here, and other processes are told by NOTIFY. Both take
    turns by a lock until the commit, so it must be the last thing that a transaction does.
    """
    if not ids:
        return 0
    if not dialect.has_row_locks(conn):
        return conn.execute(_MARK, {"ids": list(ids)}).rowcount
    conn.execute(select(func.pg_advisory_xact_lock(_PLACING)))
    topics = list(conn.execute(_PLACE, {"ids": list(ids)}).scalars())
    if topics:
        news = " ".join(sorted(set(topics)))
        notice = news if len(news.encode()) <= _NOTICE_BYTES else ""
        conn.execute(select(func.pg_notify(CHANNEL, notice)))
    return len(topics)


def position(conn: Connection, consumer: str, topic: str) -> int:
    """Return up to where ``consumer`` has read ``topic``; 0 = nothing yet."""
    found = conn.execute(_POSITION, {"consumer": consumer, "topic": topic}).scalar()
    return 0 if found is None else int(found)


def commit_position(conn: Connection, consumer: str, topic: str, reached: int) -> None:
    """Say that ``consumer`` has dealt with ``topic`` up to ``reached``."""
    row = {"consumer": consumer, "topic": topic, "position": reached}
    conn.execute(dialect.replace(conn, offsets), row)
