"""Keys: which names an object can have, whatever the store is made of."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from helixnet.errors import UsageError

AREAS: Final = ("inbox", "work", "results", "contexts")
BLOCK: Final = 1 << 20  # bytes that a store gives at a time
Count = Callable[[str], object]  # told the kind of each operation on a store
_SEGMENT: Final = re.compile(r"[^/\x00]{1,255}")


def segments_of(key: str) -> Sequence[str]:
    """Return the names between the slashes; the first is one of :data:`AREAS`.

    Raises:
        UsageError: such a key leads out of the store, or nowhere.
    """
    segments = key.split("/")
    legal = all(_SEGMENT.fullmatch(name) and name not in {".", ".."} for name in segments)
    if not legal or segments[0] not in AREAS:
        raise UsageError(f"not a key of this store: {key!r}")
    return segments


def is_key(key: str) -> bool:
    """Whether an object of this name is one of the store's: others may stand beside them."""
    try:
        segments_of(key)
    except UsageError:
        return False
    return True


def uncounted(operation: str) -> None:
    """Nobody asked for the count."""
