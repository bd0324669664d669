"""Letters that could not be delivered: records of the bus that are no events, kept whole.

The table is the index, so that looking at them needs no scan of the bus; each is also told as an
event on ``helix.dead``. Putting one back is an event too, on the topic where it came from: it
travels by the outbox, and the bus sends it as the record that it was.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from helixnet.errors import ConflictError, NotFoundError
from helixnet.events import MAX_EVENT_BYTES, Event, Topic, event_id
from helixnet.ledger.dialect import clock, insert_ignore, rfc3339
from helixnet.ledger.json_text import pack
from helixnet.ledger.outbox import emit
from helixnet.ledger.tables import dead_letters

RECORD_DEAD: Final = "io.helixnet.record.dead.v1"
RECORD_REQUEUED: Final = "io.helixnet.record.requeued.v1"
UNREADABLE: Final = "Unreadable"  # error of a record whose bytes no client gives
CARRIED: Final = MAX_EVENT_BYTES - 4096  # of a larger record its size and hash are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A record that is no event.

    Args:
        id: of its place and bytes, so that a repeat is recognisable.
        topic: where it came from, with partition and offset.
        key: its key; None as Kafka has it.
        headers: pairs of name and value, the value in base64 or None.
        error: in one word what is wrong.
        reason: the same for people.
    """

    id: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Sequence[str | None]]
    error: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Buried:
    """A kept letter.

    Args:
        number: for keyset pages.
        time: when it was kept.
        requeued: when it was put back; empty when it was not.
        by: who put it back.
    """

    number: int
    letter: Letter
    time: str
    requeued: str
    by: str


_PAGE = select(dead_letters).order_by(dead_letters.c.number.desc())
_ONE = select(dead_letters).where(dead_letters.c.id == bindparam("letter"))
_REQUEUE = (
    update(dead_letters)
    .where(dead_letters.c.id == bindparam("letter"), dead_letters.c.requeued == 0)
    .values(requeued=clock(), requeued_by=bindparam("by"))
    .returning(dead_letters)
)


def bury(conn: Connection, letters: Sequence[Letter]) -> int:
    """Keep letters and tell of each once; returns how many were not known before."""
    if not letters:
        return 0
    statement = insert_ignore(conn, dead_letters, "at", returning="id")
    fresh: list[Letter] = []
    for letter in letters:
        row = {name: getattr(letter, name) for name in _COLUMNS}
        if conn.execute(statement, row).first() is not None:
            fresh.append(letter)
    emit(conn, [_told(letter) for letter in fresh])
    return len(fresh)


def list_letters(
    conn: Connection, *, topic: str = "", before: int | None = None, limit: int = 50
) -> list[Buried]:
    """Return kept letters, newest first; the next page starts before the last one's number."""
    query = _PAGE.limit(limit)
    if topic:
        query = query.where(dead_letters.c.topic == topic)
    if before is not None:
        query = query.where(dead_letters.c.number < before)
    return [_buried(row) for row in conn.execute(query).mappings()]


def get_letter(conn: Connection, letter_id: str) -> Buried:
    """Return one letter.

    Raises:
        NotFoundError: there is none.
    """
    row = conn.execute(_ONE, {"letter": letter_id}).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no dead letter {letter_id[:100]}")
    return _buried(row)


def requeue(conn: Connection, letter_id: str, *, by: str) -> Buried:
    """Put a letter back on its topic, as it was, once.

    Raises:
        NotFoundError: there is none.
        ConflictError: it was put back already, or its bytes could not be read.
    """
    if get_letter(conn, letter_id).letter.error == UNREADABLE:
        raise ConflictError(f"letter {letter_id} has no bytes: its record could not be read")
    row = conn.execute(_REQUEUE, {"letter": letter_id, "by": by}).mappings().first()
    if row is None:
        kept = get_letter(conn, letter_id)
        raise ConflictError(f"letter {letter_id} was put back by {kept.by} at {kept.requeued}")
    kept = _buried(row)
    emit(conn, [_put_back(kept.letter)])
    return kept


def _told(letter: Letter) -> Event:
    """Tell of a letter; with its bytes, unless they are too many for an event."""
    value = letter.value or b""
    data: dict[str, Any] = {
        **_place(letter),
        "error": letter.error,
        "reason": letter.reason,
        "size": len(value),
        "sha256": hashlib.sha256(value).hexdigest(),
    }
    whole = content(letter)
    if len(pack(whole)) <= CARRIED:
        data |= whole
    return _event(RECORD_DEAD, Topic.DEAD, letter, data)


def _put_back(letter: Letter) -> Event:
    """Tell the bus to send a letter's record; what it is stands in the table."""
    return _event(RECORD_REQUEUED, letter.topic, letter, _place(letter))


def _place(letter: Letter) -> dict[str, Any]:
    return {
        "letter": letter.id,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
    }


def content(letter: Letter) -> dict[str, Any]:
    """Return the record itself, bytes in base64."""
    return {"key": _text(letter.key), "value": _text(letter.value), "headers": letter.headers}


def _event(kind: str, topic: str, letter: Letter, data: dict[str, Any]) -> Event:
    return Event(
        id=letter.id if kind == RECORD_DEAD else event_id(kind, letter.id),
        type=kind,
        topic=topic,
        key=letter.id,
        tenant="",
        job="",
        seq=0,
        time="",
        data=data,
    )


_COLUMNS: Final = (
    "id",
    "topic",
    "partition",
    "offset",
    "key",
    "value",
    "headers",
    "error",
    "reason",
)


def _buried(row: RowMapping) -> Buried:
    return Buried(
        number=row["number"],
        letter=Letter(**{name: row[name] for name in _COLUMNS}),
        time=rfc3339(row["at"]),
        requeued=rfc3339(row["requeued"]) if row["requeued"] else "",
        by=row["requeued_by"],
    )


def _text(value: bytes | None) -> str | None:
    """Write bytes as base64."""
    return None if value is None else base64.b64encode(value).decode()
