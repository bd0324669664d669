"""What MinIO and S3 tell of new objects, as events: a hint where to look, never the truth."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import unquote_plus

from helixnet.events import DROP_SEEN, Event, Topic, event_id

_CREATED: Final = "ObjectCreated:"  # `s3:` stands before it or not, by who tells


def drops(message: Mapping[str, Any]) -> Sequence[Event]:
    """Return an event for each object that a notification says was made.

    Raises:
        KeyError: it lacks what every notification has.
        TypeError: something in it is of another type.
        ValueError: something in it has no sense.
    """
    records = message["Records"]
    if not isinstance(records, list):
        raise TypeError("Records is no list")
    seen = [_seen(record) for record in cast("list[dict[str, Any]]", records)]
    return [event for event in seen if event is not None]


def _seen(record: Mapping[str, Any]) -> Event | None:
    """Folders and what is not about a new object are nothing to look at."""
    name, told = str(record["eventName"]), record["s3"]["object"]
    key, size = told["key"], told.get("size", 0)
    if not isinstance(key, str) or not isinstance(size, int):
        raise TypeError("an object's key is a text and its size a whole number")
    key = unquote_plus(key, errors="strict")
    if not name.removeprefix("s3:").startswith(_CREATED) or not key or key.endswith("/"):
        return None
    version, sequencer = str(told.get("versionId") or ""), str(told.get("sequencer") or "")
    bucket = str(record["s3"]["bucket"]["name"])
    return Event(
        id=event_id(DROP_SEEN, bucket, key, version, sequencer, name),
        type=DROP_SEEN,
        topic=Topic.DROPS,
        key=f"{bucket}/{key}",
        tenant="",
        job="",
        seq=0,
        time=str(record.get("eventTime") or ""),
        data={"key": key, "version": version, "size": size, "event": name},
    )
