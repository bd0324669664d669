"""What the ledger holds of a result, copied into the store for people and tools that read there.

A folder gets a file each. Where operations cost, a run gets one object, ``run.ndjson``: the bytes
of its small outputs one after the other, then the manifest as the last line, which says at which
bytes each of them stands.
"""

from typing import Any, Final, Protocol

from helixnet.ports import ObjectStore

MOST_TOGETHER: Final = 4 << 20  # bytes of small outputs in memory and in one object
Json = dict[str, Any]


class Copies(Protocol):
    """Takes the small outputs of a run, then its manifest."""

    async def add(self, name: str, content: bytes) -> Json:
        """Keep one output; returns where it stands, as the manifest says it."""
        ...

    async def close(self, manifest: bytes) -> list[str]:
        """Keep the manifest, one line; returns the keys of all that was written."""
        ...


class Apart:
    """See :class:`Copies`: an object each.

    Args:
        store: that takes them.
        stem: of their keys.
    """

    def __init__(self, store: ObjectStore, stem: str) -> None:
        self._store = store
        self._stem = stem
        self.written: list[str] = []

    async def add(self, name: str, content: bytes) -> Json:
        """See :class:`Copies`."""
        key = f"{self._stem}/{name}"
        await self._store.put_bytes(key, content, durable=False)
        self.written.append(key)
        return {"key": key, "size": len(content)}

    async def close(self, manifest: bytes) -> list[str]:
        """See :class:`Copies`."""
        await self.add("manifest.json", manifest)
        return self.written


class Together:
    """See :class:`Copies`: one object for all, unless they are many.

    Args:
        store: that takes it.
        stem: of its key.
    """

    def __init__(self, store: ObjectStore, stem: str) -> None:
        self._apart = Apart(store, stem)
        self._key = f"{stem}/run.ndjson"
        self._content = bytearray()

    async def add(self, name: str, content: bytes) -> Json:
        """See :class:`Copies`; ``range`` is [first byte, after the last]."""
        start, end = len(self._content), len(self._content) + len(content)
        if end > MOST_TOGETHER:
            return await self._apart.add(name, content)
        self._content += content
        return {"key": self._key, "size": len(content), "range": [start, end]}

    async def close(self, manifest: bytes) -> list[str]:
        """See :class:`Copies`."""
        self._content += manifest + b"\n"
        await self._apart.add("run.ndjson", bytes(self._content))
        return self._apart.written
