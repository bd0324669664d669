"""Formats are asserted in every draft, for one set of names."""

from collections.abc import Callable
from typing import Final

from jsonschema_rs import validator_for

FORMATS: Final = frozenset(
    {
        *("date", "date-time", "time", "duration", "email", "idn-email", "hostname"),
        *("idn-hostname", "ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference"),
        *("uri-template", "uuid", "json-pointer", "relative-json-pointer", "regex"),
    }
)
"""Formats that are asserted, whatever the draft; others are notes to the reader."""

_NOT_IN_DRAFT: Final[dict[int, tuple[str, ...]]] = {
    4: (
        *("duration", "idn-hostname", "uri-reference", "iri", "iri-reference", "uri-template"),
        *("uuid", "json-pointer", "relative-json-pointer"),
    ),
    6: ("duration", "idn-hostname", "iri", "iri-reference", "uuid", "relative-json-pointer"),
    7: ("duration", "uuid"),
}


def lent_formats(draft: int) -> dict[str, Callable[..., bool]]:
    """Return the latest draft's checks of the formats that an older one does not know."""
    return {
        name: validator_for({"format": name}, validate_formats=True).is_valid
        for name in _NOT_IN_DRAFT.get(draft, ())
    }
