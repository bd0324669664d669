from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")

class TopicPartition(NamedTuple):
    topic: str
    partition: int

class RecordMetadata(NamedTuple):
    topic: str
    partition: int
    offset: int

class ConsumerRecord(Generic[_K, _V]):
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: _K | None
    value: _V | None
    headers: Sequence[tuple[str, bytes | None]]
