"""What a drop is: which objects of the inbox count, and what a notification of one says."""

from dataclasses import dataclass, field
from typing import Final

import structlog

from helixnet.events import DROP_SEEN, Event
from helixnet.ports import ObjectRef, is_unfinished

MOST_STRAYS: Final = 10_000
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Knows a drop by its key, and tells once of each object that is none."""

    _strays: set[str] = field(default_factory=set[str])

    def is_drop(self, key: str) -> bool:
        """Whether an object of this key is a finished file of a tenant."""
        parts = key.split("/")
        if any(map(is_unfinished, parts)):
            return False
        fault = ""
        if len(parts) < len(("inbox", "tenant", "file")) or "" in parts:
            fault = "outside of a tenant's folder"
        elif not _is_text(key):
            fault = "its name is not UTF-8"
        if fault and key not in self._strays and len(self._strays) < MOST_STRAYS:
            self._strays.add(key)
            log.warning("drop left alone", key=ascii(key), reason=fault)
        return not fault


def hinted(event: Event) -> ObjectRef | None:
    """Return the drop that a notification speaks of; None when it speaks of none.

    What it says is not trusted: the store knows whether there is such a version.
    """
    key, version, size = (event.data.get(name) for name in ("key", "version", "size"))
    if event.type != DROP_SEEN or not isinstance(key, str) or not isinstance(version, str):
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not version:
        return None
    area, _, rest = key.partition("/")
    of_tenant = not event.tenant or rest.startswith(f"{event.tenant}/")
    return ObjectRef(key, version, size) if area == "inbox" and of_tenant else None


def _is_text(name: str) -> bool:
    """Whether a name can be written down; the file system takes any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
