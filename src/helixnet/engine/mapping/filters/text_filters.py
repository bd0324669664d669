"""Filters on text; the unit is the code point, and nothing that is not text is taken for text."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from helixnet.engine.mapping.filters.items import values_of
from helixnet.engine.mapping.filters.spec import Example, FilterSpec, Param, misfit
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.regex import full_matcher
from helixnet.engine.values import text as texts
from helixnet.engine.values.absent import ABSENT, Absent
from helixnet.engine.values.convert import as_text
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.text import check_made

TEXT: Final = frozenset({Kind.TEXT})
INTEGER: Final = frozenset({Kind.INTEGER})
LIST: Final = frozenset({Kind.LIST})
MAX_WIDTH: Final = 10_000


def trim(value: Any) -> str:
    """Cut the fixed set of blanks at both ends."""
    if type(value) is not str:
        raise misfit("trim", TEXT, value)
    return value.strip(texts.BLANKS)


def upper(value: Any) -> str:
    """Write in capitals."""
    if type(value) is not str:
        raise misfit("upper", TEXT, value)
    return texts.upper(value)


def lower(value: Any) -> str:
    """Write in small letters."""
    if type(value) is not str:
        raise misfit("lower", TEXT, value)
    return texts.lower(value)


def substring(value: Any, start: Any, length: Any = None) -> str:
    """Cut out by code points; beyond the end there is nothing."""
    if type(value) is not str:
        raise misfit("substring", TEXT, value)
    for number in (start,) if length is None else (start, length):
        if type(number) is not int or number < 0:
            raise ValueFault("HX-2005", f"substring counts from 0, not {shown(number)}", number)
    return value[start:] if length is None else value[start : start + length]


def split(value: Any, separator: Any) -> list[str]:
    """Cut at every separator."""
    if type(value) is not str:
        raise misfit("split", TEXT, value)
    cut = _separator("split", separator)
    return value.split(cut) if value else []


def join(value: Any, separator: Any = "", key: str | None = None) -> str:
    """Put the items together as one text, without those that are null."""
    if type(separator) is not str:
        raise misfit("join", TEXT, separator)
    texts = [as_text(item) for item in values_of("join", value, key)]
    check_made(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def replace(value: Any, old: Any, new: Any) -> str:
    """Replace a text wherever it stands; it is no pattern."""
    if type(value) is not str or type(new) is not str:
        raise misfit("replace", TEXT, value if type(value) is not str else new)
    known = _separator("replace", old)
    more = len(new) - len(known)
    if more > 0:
        check_made(len(value) + more * value.count(known))
    return value.replace(known, new)


def matches(value: Any, pattern: str) -> bool:
    """Tell whether the whole text matches."""
    return bind_matches(pattern)(value)


def bind_matches(pattern: str) -> Callable[[Any], bool]:
    """Compile the pattern once."""
    match = full_matcher(pattern)

    def matches_pattern(value: Any) -> bool:
        if type(value) is not str:
            raise misfit("matches", TEXT, value)
        return bool(match(value))

    return matches_pattern


def before(value: Any, separator: Any) -> str | Absent:
    """Take what stands before the first separator."""
    if type(value) is not str:
        raise misfit("before", TEXT, value)
    head, found, _ = value.partition(_separator("before", separator))
    return head if found else ABSENT


def after(value: Any, separator: Any) -> str | Absent:
    """Take what stands after the first separator."""
    if type(value) is not str:
        raise misfit("after", TEXT, value)
    _, found, tail = value.partition(_separator("after", separator))
    return tail if found else ABSENT


def pad_left(value: Any, width: Any, fill: Any = " ") -> str:
    """Fill up at the left."""
    _check_pad("pad_left", value, width, fill)
    return value.rjust(width, fill)


def pad_right(value: Any, width: Any, fill: Any = " ") -> str:
    """Fill up at the right."""
    _check_pad("pad_right", value, width, fill)
    return value.ljust(width, fill)


def unpad(value: Any, fill: Any = "0") -> str:
    """Cut the filling at the left, but leave one character of it if there is nothing else."""
    if type(value) is not str:
        raise misfit("unpad", TEXT, value)
    if type(fill) is not str or len(fill) != 1:
        raise ValueFault("HX-2005", f"unpad takes one character, not {shown(fill)}", fill)
    return value.lstrip(fill) or value[:1]


def _separator(name: str, value: Any) -> str:
    if type(value) is not str or not value:
        raise ValueFault("HX-2005", f"{name} needs a text that is not empty", value)
    return value


def _check_pad(name: str, value: Any, width: Any, fill: Any) -> None:
    if type(value) is not str:
        raise misfit(name, TEXT, value)
    if type(width) is not int or not 0 <= width <= MAX_WIDTH:
        raise ValueFault(
            "HX-2005", f"{name} takes a width to {MAX_WIDTH}, not {shown(width)}", width
        )
    if type(fill) is not str or len(fill) != 1:
        raise ValueFault("HX-2005", f"{name} fills with one character, not {shown(fill)}", fill)


_SEPARATOR: Final = Param("separator", TEXT, "where to cut; not empty")
_FILL: Final = Param("fill", TEXT, "one character", default=" ")
_WIDTH: Final = Param("width", INTEGER, f"code points, 0 to {MAX_WIDTH:,}")

SPECS: Final[Sequence[FilterSpec]] = (
    FilterSpec(
        "trim",
        trim,
        TEXT,
        Kind.TEXT,
        "Cuts space, tab, CR, LF, VT, FF and no-break space at both ends; nothing else is a blank.",
        examples=(
            Example("  ab-1 ", (), "ab-1"),
            Example("\u00a0a b\t", (), "a b"),
            Example(5, fault="HX-2005"),
        ),
    ),
    FilterSpec(
        "upper",
        upper,
        TEXT,
        Kind.TEXT,
        "Writes in capitals: Unicode's full mapping, the same in every country.",
        examples=(Example("straße i", (), "STRASSE I"),),
    ),
    FilterSpec(
        "lower",
        lower,
        TEXT,
        Kind.TEXT,
        "Writes in small letters: Unicode's full mapping, the same in every country.",
        examples=(Example("AB-Ä", (), "ab-ä"),),
    ),
    FilterSpec(
        "substring",
        substring,
        TEXT,
        Kind.TEXT,
        "Cuts out a part, counted in code points; what lies beyond the end is nothing.",
        params=(
            Param("start", INTEGER, "the first code point, from 0"),
            Param("length", INTEGER, "how many; without it all to the end", default=None),
        ),
        examples=(
            Example("20261123", (4, 2), "11"),
            Example("abc", (1,), "bc"),
            Example("abc", (5, 2), ""),
            Example("abc", (-1,), fault="HX-2005"),
        ),
    ),
    FilterSpec(
        "split",
        split,
        TEXT,
        Kind.LIST,
        "Cuts into a list of texts at every separator; the empty text gives no item.",
        params=(_SEPARATOR,),
        examples=(Example("a;b;;c", (";",), ["a", "b", "", "c"]), Example("", (";",), [])),
    ),
    FilterSpec(
        "join",
        join,
        LIST,
        Kind.TEXT,
        "Puts the items together as one text: numbers and dates in their canonical form, null "
        "and absent items left out.",
        params=(
            Param("separator", TEXT, "what stands between", default=""),
            Param("key", TEXT, "take this field of each item", default=None),
        ),
        examples=(
            Example(["a", None, "b"], ("/",), "a/b"),
            Example([{"n": 1}, {"n": 2}], (", ", "n"), "1, 2"),
        ),
    ),
    FilterSpec(
        "replace",
        replace,
        TEXT,
        Kind.TEXT,
        "Replaces a text wherever it stands; it is taken literally, not as a pattern.",
        params=(
            Param("old", TEXT, "what goes; not empty"),
            Param("new", TEXT, "what comes, may be empty"),
        ),
        examples=(Example("1.000.000", (".", ""), "1000000"),),
    ),
    FilterSpec(
        "matches",
        matches,
        TEXT,
        Kind.BOOLEAN,
        "Tells whether the whole text matches a regular expression. The language is what RE2 and "
        r"Rust's regex share; `\d`, `\w`, `\s` are ASCII; looking around, back references and "
        "Unicode classes are refused. Time is linear in the text.",
        params=(Param("pattern", TEXT, "the regular expression", constant=True),),
        bind=bind_matches,
        examples=(
            Example("AB-12", (r"[A-Z]{2}-\d+",), result=True),
            Example("xAB-12", (r"[A-Z]{2}-\d+",), result=False),
            Example("a", ("(?=a)",), fault="HX-4105"),
        ),
    ),
    FilterSpec(
        "before",
        before,
        TEXT,
        Kind.TEXT,
        "Takes what stands before the first separator; absent if there is none.",
        params=(_SEPARATOR,),
        examples=(Example("4711-10-A", ("-",), "4711"), Example("4711", ("-",), ABSENT)),
    ),
    FilterSpec(
        "after",
        after,
        TEXT,
        Kind.TEXT,
        "Takes what stands after the first separator; absent if there is none.",
        params=(_SEPARATOR,),
        examples=(Example("4711-10-A", ("-",), "10-A"), Example("4711", ("-",), ABSENT)),
    ),
    FilterSpec(
        "pad_left",
        pad_left,
        TEXT,
        Kind.TEXT,
        "Fills up at the left to a width; a longer text stays as it is.",
        params=(_WIDTH, _FILL),
        examples=(Example("4711", (10, "0"), "0000004711"), Example("abc", (2,), "abc")),
    ),
    FilterSpec(
        "pad_right",
        pad_right,
        TEXT,
        Kind.TEXT,
        "Fills up at the right to a width; a longer text stays as it is.",
        params=(_WIDTH, _FILL),
        examples=(Example("ab", (4, "."), "ab.."),),
    ),
    FilterSpec(
        "unpad",
        unpad,
        TEXT,
        Kind.TEXT,
        "Cuts leading zeros, as SAP pads its numbers; of zeros alone one stays.",
        params=(Param("fill", TEXT, "one character", default="0"),),
        examples=(
            Example("0000004711", (), "4711"),
            Example("0000", (), "0"),
            Example("00AB0", (), "AB0"),
        ),
    ),
)
