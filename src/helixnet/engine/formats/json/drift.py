"""Compares the members of all JSON records with the declared fields, in the pass over a file.

A record may leave a member out, so a declared field is missing only when no record has it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import msgspec

from helixnet.engine.context.model import Source
from helixnet.engine.formats.drift import Drift, missing_field, unknown_field
from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.json.exact import decode_all
from helixnet.engine.formats.retyped import BEGINNING, retyped_members

MOST_NAMES: Final = 100
"""Unknown names that are told; a file may have a new one in every record."""

_NAMES: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_REFUSALS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)


@dataclass(slots=True)
class _Names:
    """The names met: declared ones, and the first of the others."""

    known: set[str] = field(default_factory=set[str])
    unknown: dict[str, None] = field(default_factory=dict[str, None])
    more: bool = False


class MemberWatch:
    """Takes every record and says in the end what differs from the contract.

    Args:
        source: the contract, which declares fields.
        codecs: of the file; one of them is chosen last, and may change how names read.
        used: fields that the mapping reads; None = any.
    """

    def __init__(
        self, source: Source, codecs: Sequence[Codec], used: Collection[str] | None = None
    ) -> None:
        self._used = used
        self._source, self._declared = source, frozenset(source.fields or ())
        self._plain = _Names()
        self._own = {codec.name: (codec, _Names()) for codec in codecs}
        self._beginning: list[bytes] = []
        self._room = BEGINNING

    def see(self, texts: Sequence[bytes]) -> None:
        """Take the next records, as scanned bytes."""
        for text in texts:
            if self._room > 0:
                self._room -= len(text)
                if self._room >= 0:
                    self._beginning.append(text)
            if text.isascii():
                self._note(self._plain, text)
            else:
                for codec, names in self._own.values():
                    self._note(names, _utf8(text, codec))

    def _note(self, names: _Names, text: bytes) -> None:
        try:
            members: Mapping[str, object] = _NAMES.decode(text)
        except _REFUSALS:
            return  # a reject, of which nothing follows for the file
        if names.known.issuperset(members):
            return
        for name in members:
            if name in self._declared:
                names.known.add(name)
            elif len(names.unknown) < MOST_NAMES:
                names.unknown[name] = None
            elif name not in names.unknown:
                names.more = True

    def drift(self, codec: Codec) -> list[Drift]:
        """Return what differs, the file read with ``codec``; nothing if no record could be."""
        both = (self._plain, self._own[codec.name][1])
        unknown = both[0].unknown | both[1].unknown
        known = both[0].known | both[1].known
        if not unknown and not known:
            return []
        source, records = self._source, self._first_records(codec)
        names = list(unknown)[:MOST_NAMES]
        drift = [
            unknown_field("field", name, [record.get(name) for record in records], source)
            for name in names
        ]
        if len(unknown) > MOST_NAMES or any(names.more for names in both):
            drift.append(Drift("and more unknown fields"))
        drift += [
            missing_field("field", n, self._used) for n in source.fields or () if n not in known
        ]
        return drift + retyped_members(source, records)

    def _first_records(self, codec: Codec) -> list[Mapping[str, object]]:
        if not self._beginning:
            return []
        values, _ = decode_all([_utf8(text, codec) for text in self._beginning])
        return [cast("Mapping[str, object]", value) for value in values if isinstance(value, dict)]


def _utf8(text: bytes, codec: Codec) -> bytes:
    if codec.scanned in {"utf-8", "ascii"}:
        return text
    return text.decode(codec.scanned, "replace").encode()
