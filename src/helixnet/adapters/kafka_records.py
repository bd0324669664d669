"""Events as Kafka records: the CloudEvents 1.0 binding in binary mode, and what breaks it.

Attributes are headers, data is the value. Nothing here raises on what a stranger wrote: a record
is an event, or a letter that says why it is none.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from aiokafka import ConsumerRecord

from helixnet.adapters.s3_notification import drops
from helixnet.events import OUT, Event, Topic, event_id, now
from helixnet.ledger.dead import Letter
from helixnet.ledger.json_text import pack, unpack

SOURCE: Final = "/helixnet"
MAX_SEQ_DIGITS: Final = 18  # fits into 64 bits
CONTENT_TYPE: Final = "application/json"
Record = ConsumerRecord[bytes, bytes]
Headers = Sequence[tuple[str, bytes | None]]


class UndecodableError(Exception):
    """Why a record is no event; it never leaves the adapters."""


def headers_of(event: Event) -> dict[str, str]:
    """Return the attributes of an event as the headers of its record."""
    attributes = {
        "id": event.id,
        "type": event.type,
        "source": SOURCE,
        "specversion": "1.0",
        "time": event.time or now(),
        "subject": event.job,
        "partitionkey": event.key,
        "hxtenant": event.tenant,
        "hxjob": event.job,
        "hxseq": str(event.seq),
        "hxsha256": str(event.data.get("sha256", "")) if event.topic.startswith(OUT) else "",
        "traceparent": event.traceparent,
    }
    headers = {f"ce_{name}": value for name, value in attributes.items() if value}
    return {"content-type": CONTENT_TYPE, **headers}


def value_of(event: Event) -> bytes:
    """Return the data as JSON, numbers exact."""
    return pack(event.data).encode()


def record_of(letter: Letter) -> tuple[bytes | None, bytes | None, Headers]:
    """Return key, value and headers of the record that a letter was."""
    headers = [(str(name), _bytes(value)) for name, value in letter.headers]
    return letter.key, letter.value, headers


def decode(records: Sequence[Record]) -> tuple[list[tuple[Record, Event]], list[Letter]]:
    """Part records into events, each with the record that it came by, and letters."""
    found: list[tuple[Record, Event]] = []
    letters: list[Letter] = []
    for record in records:
        read = _READERS.get(record.topic, event_of)
        try:
            found += [(record, event) for event in read(record)]
        except (UndecodableError, UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
            letters.append(letter_of(record, error))
    return found, letters


def event_of(record: Record) -> Sequence[Event]:
    """Read an event.

    Raises:
        UndecodableError: an attribute is missing or wrong, or the data is no object.
        UnicodeDecodeError: an attribute is no UTF-8.
        msgspec.DecodeError: the data is no JSON.
    """
    attributes = _attributes(record.headers)
    if attributes.get("specversion") != "1.0":
        raise UndecodableError("no CloudEvent 1.0: the header ce_specversion is missing or differs")
    for name in ("id", "type"):
        if not attributes.get(name):
            raise UndecodableError(f"the header ce_{name} is missing")
    seq = attributes.get("hxseq", "0")
    if not (seq.isascii() and seq.isdigit() and len(seq) <= MAX_SEQ_DIGITS):
        raise UndecodableError("the header ce_hxseq is no number")
    return [
        Event(
            id=attributes["id"],
            type=attributes["type"],
            topic=record.topic,
            key=attributes.get("partitionkey", ""),
            tenant=attributes.get("hxtenant", ""),
            job=attributes.get("hxjob", ""),
            seq=int(seq),
            time=attributes.get("time", ""),
            data=_object(record.value),
            traceparent=attributes.get("traceparent", ""),
        )
    ]


def _attributes(headers: Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith("ce_"):
            found[name.removeprefix("ce_")] = (value or b"").decode()  # Kafka allows null
    return found


def _object(value: bytes | None) -> dict[str, Any]:
    if value is None:
        raise UndecodableError("the record has no value")
    data: object = unpack(value.decode())
    if not isinstance(data, dict):
        raise UndecodableError("the value is no JSON object")
    return cast("dict[str, Any]", data)  # JSON has no other keys


def _notification(record: Record) -> Sequence[Event]:
    """Read what a bucket tells; its message is no CloudEvent."""
    try:
        return drops(_object(record.value))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UndecodableError(f"no bucket notification: {error!r}") from error


_READERS: Final[Mapping[str, Callable[[Record], Sequence[Event]]]] = {Topic.DROPS: _notification}


def letter_of(record: Record, error: Exception) -> Letter:
    """Keep a record that is no event, whole."""
    place = (record.topic, record.partition, record.offset, record.timestamp)
    value = record.value or b""
    return Letter(
        id=event_id("dead", *place, hashlib.sha256(value).hexdigest()),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=[[name, _text(value)] for name, value in record.headers],
        error=type(error).__name__.removesuffix("Error"),
        reason=str(error)[:500],
    )


def unsent(event: Event, reason: str) -> Letter:
    """Keep an event whose topic Kafka can't have, as the record that it would have been."""
    headers = [[name, _text(value.encode())] for name, value in headers_of(event).items()]
    return Letter(
        id=event_id("unsent", event.id),
        topic=event.topic,
        partition=-1,
        offset=-1,
        key=event.key.encode(),
        value=value_of(event),
        headers=headers,
        error="Refused",
        reason=reason[:500],
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
