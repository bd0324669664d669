"""Records without line ends, as mainframes write them: their length, and runs of numbers."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from helixnet.engine.context.model import Field, Mark, RecordLength
from helixnet.engine.formats.encoding import bytewise_codec
from helixnet.engine.formats.fixed.framing import FramingError
from helixnet.engine.formats.fixed.records import framing_of
from helixnet.engine.formats.fixed.stored import stored_reader
from helixnet.engine.sniffing.found import GUESSED, LIKELY, Found, Head, Yaml
from helixnet.engine.sniffing.texts import ebcdic_page, looks_ebcdic

_PREFIXED: Final = {
    "rdw": RecordLength(prefix="rdw"),
    "bdw": RecordLength(prefix="bdw"),
    "big": RecordLength(prefix="rdw", own=False),
    "little": RecordLength(prefix="rdw", little=True, own=False),
    "little, all": RecordLength(prefix="rdw", little=True),
}
_LONGEST: Final = 4096
_FEWEST: Final = 3
_LOOKED: Final = 64 * 1024
_TEXT: Final = 0.95  # of a column of bytes, that are text
_NEAR: Final = 0.02
_NOWHERE: Final = Mark("", 0, 0)
_BINARY: Final = (2, 4, 8)


def records(head: Head, size: int) -> Found | None:
    """Return the file as records without line ends; None if no length cuts it into like ones.

    Args:
        head: the beginning of the file.
        size: bytes of the whole file.
    """
    ebcdic = looks_ebcdic(head.data)
    encoding = ebcdic_page(head.data) if ebcdic else "iso8859-1"
    found = _prefixed(head)
    if found is None:
        if not ebcdic:
            return None
        found = _of_length(head, size)
    if found is None:
        return None
    told, rows, length = found
    told.facts["encoding"] = f"{encoding} (a guess: code pages differ in few characters)"
    told.source = {"encoding": encoding, "record_length": length}
    told.source["fields"] = _fields(rows, encoding)
    told.rows = len(rows)
    told.open.append("names of the fields, what numbers mean, implied decimals: see the copybook")
    return told


_Cut = tuple[Found, list[bytes], Yaml]


def _prefixed(head: Head) -> _Cut | None:
    for name, length in _PREFIXED.items():
        framing = framing_of(length)
        try:
            spans = list(framing.spans(head.data, final=False))
        except FramingError:
            continue
        end = spans[-1][1] if spans else 0
        if len(spans) < _FEWEST or (head.whole and end < len(head.data)):
            continue
        rows = [framing.body(head.data[start:stop]) for start, stop in spans]
        told = Found("fixed", LIKELY, facts={"records": f"after their lengths ({name})"})
        return told, rows, _written(length)
    return None


def _written(length: RecordLength) -> Yaml:
    if length == RecordLength(prefix=length.prefix):
        return length.prefix
    order = "little" if length.little else "big"
    return {"prefix": "rdw", "order": order, "counts": "all" if length.own else "data"}


def _of_length(head: Head, size: int) -> _Cut | None:
    """Try every length that cuts the file evenly; bytes at one place are alike in like records."""
    data = head.data[:_LOOKED]
    lengths = [n for n in range(8, min(_LONGEST, size // _FEWEST) + 1) if size % n == 0]
    scores = {n: _alike(data, n) for n in lengths if len(data) >= _FEWEST * n}
    if not scores:
        return None
    longest = max(scores, key=lambda n: scores[n])
    most = scores[longest]
    close = [n for n, score in scores.items() if score >= most - _NEAR]
    best = min(n for n in close if longest % n == 0)
    rows = [data[at : at + best] for at in range(0, len(data) - best + 1, best)]
    told = Found("fixed", GUESSED, facts={"records": f"of {best} bytes each"})
    others = [str(n) for n in close if n % best][:_FEWEST]
    if others:
        told.open.append(f"whether records have {', '.join(others)} bytes")
    return told, rows, best


def _alike(data: bytes, size: int) -> float:
    """Return the share of bytes that are of the kind that most have at their place."""
    kinds = data.translate(_KINDS)
    rows = len(kinds) // size
    same = sum(
        Counter(kinds[place : rows * size : size]).most_common(1)[0][1] for place in range(size)
    )
    return same / (rows * size) - 1 / rows  # of few rows, many are alike by chance


def _kind(byte: int) -> int:
    if byte == 0x40:  # noqa: PLR2004 - the blank
        return 1
    if byte >= 0xF0:  # noqa: PLR2004 - digits
        return 2 if byte <= 0xF9 else 0  # noqa: PLR2004 - digits
    char = bytes([byte]).decode("cp037")
    return 3 if char.isalpha() else 4 if char.isprintable() else 0


_KINDS: Final = bytes(map(_kind, range(256)))


def _fields(rows: Sequence[bytes], encoding: str) -> dict[str, Yaml]:
    """Return runs of bytes that are text, and runs that are none."""
    size = min(map(len, rows))
    columns = [bytes([row[place] for row in rows]) for place in range(size)]
    text = [_is_text(column, encoding) for column in columns]
    for place in range(size - 2, -1, -1):  # NUL bytes before a binary number belong to it
        if not any(columns[place]):
            text[place] = text[place + 1]
    starts = [n for n in range(size) if n == 0 or text[n] != text[n - 1]]
    fields: dict[str, Yaml] = {}
    for start, end in zip(starts, [*starts[1:], size], strict=True):
        more: dict[str, Yaml] = {} if text[start] else _number([row[start:end] for row in rows])
        fields[f"F{len(fields) + 1}"] = {"at": f"{start}:{end}", **more}
    return fields or {"F1": {"at": "0:1"}}


def _is_text(column: bytes, encoding: str) -> bool:
    """Tell whether bytes are characters, or NUL as what pads them."""
    chars = column.decode(encoding).replace("\0", " ")
    return sum(map(str.isprintable, chars)) >= _TEXT * len(chars)


def _number(values: Sequence[bytes]) -> dict[str, Yaml]:
    """Return how the numbers of a run are stored, if all are."""
    packed = stored_reader(Field("", _NOWHERE, "integer", stored="packed"), bytewise_codec("cp037"))
    size = len(values[0])
    if packed is not None and size <= 20 and _all_numbers(packed, values):  # noqa: PLR2004 - digits
        return {"as": "packed", "digits": min(2 * size, 38)}
    return {"as": "binary", "digits": 20} if size in _BINARY else {}


def _all_numbers(read: Callable[[bytes], str], values: Sequence[bytes]) -> bool:
    return all(read(value).lstrip("-").isdecimal() for value in values)
