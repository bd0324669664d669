"""Where the checker looks, by shape: the ledger's rows, the store's objects, the topics' events."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import httpx

Json = dict[str, Any]


class Evidence(Protocol):
    """What can be seen of a system from outside; nothing here changes anything."""

    url: str

    def rows(self, sql: str) -> list[Json]:
        """Ask the ledger; statements that every database of ours understands."""
        ...

    def stored(self, key: str) -> bytes | None:
        """Read an object; None when there is none."""
        ...

    def keys(self, prefix: str) -> set[str]:
        """List the objects below a prefix."""
        ...

    def topic(self, name: str, tenant: str) -> Iterator[Json]:
        """Yield the events of a topic that a tenant may see, in the order of the topic."""
        ...


class EmbeddedEvidence:
    """The data folder of the embedded shape; its topics are read by REST."""

    def __init__(self, told: Mapping[str, str], tokens: Mapping[str, str]) -> None:
        self.url = told["url"]
        self._data = Path(told["data"])
        self._tokens = tokens

    def rows(self, sql: str) -> list[Json]:
        place = f"file:{self._data / 'ledger.db'}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, timeout=30)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql)]

    def stored(self, key: str) -> bytes | None:
        try:
            return (self._data / key).read_bytes()
        except FileNotFoundError:
            return None

    def keys(self, prefix: str) -> set[str]:
        found = (self._data / prefix).rglob("*")
        return {path.relative_to(self._data).as_posix() for path in found if path.is_file()}

    def topic(self, name: str, tenant: str) -> Iterator[Json]:
        headers = {"Authorization": f"Bearer {self._tokens[tenant]}"}
        address = f"{self.url}/api/v1/topics/{name}"
        with httpx.stream("GET", address, headers=headers, timeout=120) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                yield json.loads(line, parse_float=Decimal)


def open_evidence(told: Mapping[str, Any], tokens: Mapping[str, str]) -> Evidence:
    """Return what a target said of itself (``Target.evidence``) as something to look into."""
    if told["shape"] == "embedded":
        return EmbeddedEvidence(told, tokens)
    from tests.chaos.evidence_stack import StackEvidence  # noqa: PLC0415 - needs its clients

    return StackEvidence(told, tokens)
