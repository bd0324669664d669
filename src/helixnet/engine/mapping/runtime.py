"""What generated code calls where one line can't do: paths, conditions, joins, lists."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast

from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import among, equal, type_name
from helixnet.engine.values.convert import as_boolean, as_decimal, as_integer, as_text
from helixnet.engine.values.faults import ValueFault, shown
from helixnet.engine.values.text import check_made


class Bad:
    """Stands for a value that could not be computed; whoever reads it stays silent."""

    def __str__(self) -> str:
        """Print as a value that JSON can hold, until the document is thrown away."""
        return "null"


BAD: Final = Bad()
MAX_TURNS: Final = 1_000_000
"""Turns of the loops of one template leaf for one record."""
MAX_VALUES: Final = 1_000_000
"""Values in a list that an expression writes, those in its items included."""
MAX_TEXT: Final = 1024 * 1024
"""Characters that one of them writes."""


def step(value: Any, key: str) -> Any:
    """Take a member of an object, or of the one object of a list; of nothing it is absent.

    Raises:
        ValueFault: HX-2003 several nodes, HX-2007 through a scalar.
    """
    if value.__class__ is dict:  # unlike type(), it leaves the checker's mind as it is
        return value.get(key, ABSENT)
    if value is None or value is ABSENT:
        return ABSENT
    if value.__class__ is list:
        items: list[object] = value
        if len(items) > 1:
            text = f"`.{key}` of {len(items)} items: it must be one"
            raise ValueFault("HX-2003", text, None, "select one: one(…), first, each")
        return step(items[0], key) if items else ABSENT
    text = f"`.{key}` goes through {type_name(value)} {shown(value)}"
    raise ValueFault("HX-2007", text, value, "correct the path")


def item(value: Any, key: Any) -> Any:
    """Take an item of a list or text by number, a member by text."""
    if value is None or value is ABSENT or key is None or key is ABSENT:
        return ABSENT
    if type(key) is str:
        return step(value, key)
    if type(key) is int and type(value) in (list, str):
        return value[key] if -len(value) <= key < len(value) else ABSENT
    raise ValueFault("HX-2005", f"{type_name(value)} has no item {shown(key)}", value)


def cut(value: Any, start: Any, end: Any) -> Any:
    """Return a slice of a text (in code points) or of a list."""
    if value is None or value is ABSENT:
        return value
    if type(value) not in (str, list):
        raise ValueFault("HX-2005", f"{type_name(value)} can't be sliced", value)
    for number in (start, end):
        if not (number is None or number is ABSENT or type(number) is int):
            raise ValueFault("HX-2005", "a slice is given by whole numbers", number)
    return value[None if start is ABSENT else start : None if end is ABSENT else end]


def truth(value: Any) -> bool:
    """Return a condition: null and absent count as false, what is no boolean is a fault."""
    if value is True or value is False:
        return value
    if value is None or value is ABSENT:
        return False
    text = f"{type_name(value)} {shown(value)} is no condition"
    raise ValueFault("HX-2009", text, value, "compare it, or use `is present`")


def joined(*parts: Any) -> Any:
    """Join texts: absent if a part is, else null if a part is."""
    if ABSENT in parts:
        return ABSENT
    if None in parts:
        return None
    texts = [as_text(part) for part in parts]
    check_made(sum(map(len, texts)))
    return "".join(texts)


def printed(*parts: Any) -> str:
    """Join the parts of a check's text, where nothing prints as nothing."""
    return "".join([as_text(part) for part in parts if part is not None and part is not ABSENT])


def passing(function: Callable[..., Any], *args: Any) -> Any:
    """Call arithmetic unless an operand is absent or null, which is then the result."""
    null = False
    for arg in args:  # `in` would compare numbers, which is slow
        if arg is ABSENT:
            return ABSENT
        null |= arg is None
    return None if null else function(*args)


def filtered(function: Callable[..., Any], value: Any, *args: Any, **named: Any) -> Any:
    """Call a filter unless its value is null or absent, or an argument is (null then)."""
    if value is None or value is ABSENT:
        return value
    for arg in (*args, *named.values()):
        if arg is None or arg is ABSENT:
            return None
    return function(value, *args, **named)


def unless_nothing(function: Callable[..., Any], value: Any, *args: Any) -> Any:
    """Call a filter unless its value is null or absent; it sees null and absent arguments."""
    return value if value is None or value is ABSENT else function(value, *args)


def items_of(value: Any) -> Sequence[Any]:
    """Return the items that an `each` goes through: of nothing none.

    Raises:
        ValueFault: HX-2005 unless a list.
    """
    if type(value) is list:
        return cast("list[object]", value)
    if value is None or value is ABSENT:
        return ()
    text = f"a loop takes a list, not {type_name(value)} {shown(value)}"
    raise ValueFault("HX-2005", text, value)


def rationed(items: Sequence[Any], left: list[int]) -> Sequence[Any]:
    """Return the items of an `each` within another, which may multiply; ``left`` counts down.

    Raises:
        ValueFault: HX-6004 once, where there are more turns than are left; then there are none.
    """
    if left[0] < 0:
        return ()
    left[0] -= len(items)
    if left[0] < 0:
        raise ValueFault("HX-6004", f"each within each takes more than {MAX_TURNS:,} turns")
    return items


def looped(
    value: Any,
    left: list[int],
    keeps: Callable[[Any], bool] | None,
    body: Callable[[Any, int, int, list[int]], Any],
    other: Callable[[], Any],
) -> Any:
    """Join the texts that a template writes for each kept item; of none, what its else writes.

    Args:
        value: the list.
        left: how many turns this loop and those around it may still take, counted down.
        keeps: the condition of the loop.
        body: of item, its number from 1, how many there are, and ``left``.
        other: the else.

    Raises:
        ValueFault: HX-2005 no list, HX-6004 too many turns, HX-6005 too long a text.
    """
    items = items_of(value)
    left[0] -= len(items)
    if left[0] < 0:
        raise ValueFault("HX-6004", f"the loops of the leaf take more than {MAX_TURNS} turns")
    if keeps is not None:
        items = [item for item in items if keeps(item)]
    if not items:
        return other()
    texts: list[Any] = []
    size, count = 0, len(items)
    for number, item in enumerate(items, 1):
        text = body(item, number, count, left)
        size += len(text) if type(text) is str else 0
        if size > MAX_TEXT:
            raise ValueFault("HX-6005", f"a loop writes more than {MAX_TEXT} characters")
        texts.append(text)
    return joined(*texts)


def nodes_of(value: Any) -> Sequence[Any]:
    """Return the items as :func:`items_of`; a single node is one item (XML, segments)."""
    return (cast("object", value),) if type(value) is dict else items_of(value)


def rows_where(rows: Any, *conditions: tuple[Callable[[Any], Any], Any]) -> list[Any]:
    """Return the rows whose columns have the wanted values (one of them, if it is a list)."""
    found: list[Any] = []
    for row in items_of(rows):
        for read, wanted in conditions:
            test = among if type(wanted) is list else equal
            if not test(read(row), wanted):
                break
        else:
            found.append(row)
    return found


def listed(*items: Any) -> list[Any]:
    """Return the items of a literal list; what is absent drops out."""
    if sum(map(_size, items)) > MAX_VALUES:
        raise ValueFault("HX-6005", f"an expression lists more than {MAX_VALUES:,} values")
    return [item for item in items if item is not ABSENT]


def _size(value: Any) -> int:
    """Count the values in a value, up to the most that there may be."""
    count, open_values = 0, [value]
    while open_values and count <= MAX_VALUES:
        each = open_values.pop()
        count += 1
        if type(each) is list:
            open_values += cast("list[object]", each)
        elif type(each) is dict:
            open_values += cast("dict[str, object]", each).values()
    return count


def solid(members: dict[str, Any]) -> dict[str, Any]:
    """Return the object without its absent members."""
    return {name: value for name, value in members.items() if value is not ABSENT}


def fit(value: Any, types: frozenset[str]) -> Any:
    """Convert a value whose kind was not known before to a JSON type that the schema takes.

    Raises:
        ValueFault: HX-2001.
    """
    name = _JSON_NAMES[type_name(value)]
    if name in types or (name == "number" and "integer" in types and type(value) is int):
        return value
    if name == "number" and "integer" in types:
        return as_integer(value)
    if name == "number" and "string" in types:
        return as_text(value)
    if name == "string":
        wanted = [kind for kind in ("number", "integer", "boolean") if kind in types]
        if "number" in wanted and "integer" in wanted:
            wanted.remove("integer")
        if len(wanted) == 1 and not isinstance(value, date):
            return _CONVERT[wanted[0]](value)
    text = f"{type_name(value)} {shown(value)} can't become {' or '.join(sorted(types))}"
    raise ValueFault("HX-2001", text, value)


def jsonable(value: Any) -> Any:
    """Return a value as the document has it, so that `out` reads what JSON says."""
    return as_text(value) if isinstance(value, date) else value


_CONVERT: Final[Mapping[str, Callable[[Any], Any]]] = {
    "number": as_decimal,
    "integer": as_integer,
    "boolean": as_boolean,
}
_JSON_NAMES: Final = {
    "text": "string",
    "number": "number",
    "boolean": "boolean",
    "date": "string",
    "datetime": "string",
    "list": "array",
    "object": "object",
}
