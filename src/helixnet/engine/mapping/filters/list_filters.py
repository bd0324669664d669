"""Filters that choose from a list or put it in order; equal means the same type and value."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, cast

from helixnet.engine.mapping.filters.items import Key, field_of, items_of, read_key
from helixnet.engine.mapping.filters.spec import Example, FilterSpec, Param, misfit
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import check_order, equal, is_nothing, type_name
from helixnet.engine.values.faults import ValueFault, shown

LIST: Final = frozenset({Kind.LIST})
TEXT: Final = frozenset({Kind.TEXT})
Conditions = Mapping[str, Any]


def get(value: Any, name: Any) -> Any:
    """Take a field of an object by name, or an item of a list by number."""
    kind = type_name(value)
    if kind == "list" and type(name) is int and name >= 0:
        return value[name] if name < len(value) else ABSENT
    if kind == "object" and type(name) is str:
        return field_of(value, name)
    text = f"get({shown(name)}) does not go with {kind} {shown(value)}"
    raise ValueFault("HX-2005", text, value, "take one item of a list first: one, maybe, first")


def selected(name: str, value: Any, conditions: Conditions) -> list[Any]:
    """Return the items that meet all ``conditions``; of nothing there are none.

    Args:
        name: of the filter, for the fault.
        value: a list of objects, null or absent.
        conditions: value or list of values by field; a field that is absent equals null only.
    """
    if is_nothing(value):
        return []
    found: list[Any] = []
    for item in items_of(name, value):
        for key, wanted in conditions.items():
            read = field_of(item, key)
            if type(read) is type(wanted) is str:  # nearly always, and quickly compared
                if read != wanted:
                    break
            elif not _meets(read, wanted):
                break
        else:
            found.append(item)
    return found


def one(value: Any, conditions: Conditions) -> Any:
    """Take the one item that meets the conditions."""
    found = selected("one", value, conditions)
    if len(found) != 1:
        raise _not_one(conditions, len(found))
    return found[0]


def maybe(value: Any, conditions: Conditions) -> Any:
    """Take the one item that meets the conditions, or nothing."""
    found = selected("maybe", value, conditions)
    if len(found) > 1:
        raise _not_one(conditions, len(found))
    return found[0] if found else ABSENT


def any_of(value: Any, conditions: Conditions) -> bool:
    """Tell whether an item meets the conditions."""
    return bool(selected("any", value, conditions))


def many(value: Any, conditions: Conditions) -> list[Any]:
    """Take all items that meet the conditions."""
    return selected("many", value, conditions)


def first(value: Any) -> Any:
    """Take the first item."""
    items = items_of("first", value)
    return items[0] if items else ABSENT


def last(value: Any) -> Any:
    """Take the last item."""
    items = items_of("last", value)
    return items[-1] if items else ABSENT


def sort(value: Any, key: Key = None, reverse: Any = None) -> list[Any]:
    """Put in order, stable, nulls last."""
    if reverse not in (None, True, False):
        raise misfit("sort(reverse)", frozenset({Kind.BOOLEAN}), reverse)
    items = items_of("sort", value)
    keyed = [(read_key(item, key), item) for item in items]
    known = [pair for pair in keyed if not is_nothing(pair[0])]
    check_order([pair[0] for pair in known])
    known.sort(key=lambda pair: pair[0], reverse=bool(reverse))
    return [item for _, item in known] + [item for name, item in keyed if is_nothing(name)]


def unique(value: Any, key: Key = None) -> list[Any]:
    """Keep the first of equal items."""
    seen: dict[object, Any] = {}
    for item in items_of("unique", value):
        seen.setdefault(_identity(read_key(item, key)), item)
    return list(seen.values())


def group(value: Any, key: Key) -> list[dict[str, Any]]:
    """Gather the items that have the same value of a field."""
    groups: dict[object, dict[str, Any]] = {}
    for item in items_of("group", value):
        name = read_key(item, key)
        gathered = groups.setdefault(
            _identity(name), {"key": None if is_nothing(name) else name, "items": []}
        )
        gathered["items"].append(item)
    return list(groups.values())


def _identity(value: Any) -> object:
    """Return a hashable that is equal for equal values only: 5 and 5.00, but not 1 and true."""
    if isinstance(value, list):
        return ("list", *map(_identity, cast("list[Any]", value)))  # of whatever is in it
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)  # keys of objects are texts
        return ("object", frozenset((name, _identity(item)) for name, item in fields.items()))
    return (type_name(value), None if is_nothing(value) else value)


def _meets(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        # all are compared, so that a wrong type is a fault wherever it stands
        return True in [equal(value, item) for item in cast("list[Any]", wanted)]
    return equal(value, wanted)


def _not_one(conditions: Conditions, count: int) -> ValueFault:
    names = ", ".join(f"{name}={shown(wanted)}" for name, wanted in conditions.items())
    text = f"{count or 'no'} items where one is needed" + (f": {names}" if names else "")
    return ValueFault("HX-2003", text, count)


_PARTNERS: Final = [{"PARVW": "AG", "PARTN": "1"}, {"PARVW": "WE", "PARTN": "2"}]
_LINES: Final = [{"sku": "b", "qty": 2}, {"sku": "B", "qty": 1}, {"sku": "b", "qty": 3}]
_KEY: Final = Param("key", TEXT, "compare this field of each item", default=None)
_OF_NOTHING: Final = "Null and absent have no items."

SPECS: Final[Sequence[FilterSpec]] = (
    FilterSpec(
        "get",
        get,
        frozenset({Kind.OBJECT, Kind.LIST}),
        Kind.ANY,
        "Takes the field of an object that has this name, absent if there is none; of a list the "
        "item with this number, from 0. A dotted name goes on into the object's children, of which "
        "there must be one.",
        params=(Param("name", TEXT | {Kind.INTEGER}, "name of the field, or number of the item"),),
        examples=(
            Example({"BELNR": "4711"}, ("BELNR",), "4711"),
            Example({"BELNR": "4711"}, ("QUALF",), ABSENT),
            Example({"C082": {"3039": "123"}}, ("C082.3039",), "123"),
            Example({"C082": [{"3039": "123"}]}, ("C082.3039",), "123"),
            Example({"C082": [{"3039": "1"}, {"3039": "2"}]}, ("C082.3039",), fault="HX-2003"),
            Example(["a", "b"], (1,), "b"),
            Example([{"BELNR": "4711"}], ("BELNR",), fault="HX-2005"),
        ),
    ),
    FilterSpec(
        "one",
        one,
        LIST,
        Kind.OBJECT,
        "Takes the item that meets all conditions; several or none are a fault. A condition is "
        '`NAME="value"`, or a pair `"NAME", "value"` for a name that is no Jinja name; a list of '
        "values means any of them.",
        selects=True,
        passes_null=False,
        nulls=_OF_NOTHING + " So they are a fault.",
        examples=(
            Example(_PARTNERS, (), _PARTNERS[0], named={"PARVW": "AG"}),
            Example(_PARTNERS, (), fault="HX-2003", named={"PARVW": "RE"}),
            Example(_PARTNERS, (), fault="HX-2003", named={"PARVW": ["AG", "WE"]}),
        ),
    ),
    FilterSpec(
        "maybe",
        maybe,
        LIST,
        Kind.OBJECT,
        "Takes the item that meets all conditions, absent if there is none; several are a fault. "
        "Conditions as in `one`.",
        selects=True,
        passes_null=False,
        nulls=_OF_NOTHING + " So absent comes out.",
        examples=(
            Example(_PARTNERS, (), ABSENT, named={"PARVW": "RE"}),
            Example(_PARTNERS, ("PARTN", "2"), _PARTNERS[1]),
        ),
    ),
    FilterSpec(
        "any",
        any_of,
        LIST,
        Kind.BOOLEAN,
        "Tells whether at least one item meets all conditions. Conditions as in `one`.",
        selects=True,
        passes_null=False,
        nulls=_OF_NOTHING + " So false comes out.",
        examples=(
            Example(_PARTNERS, (), result=True, named={"PARVW": "WE"}),
            Example(None, (), result=False, named={"PARVW": "WE"}),
        ),
    ),
    FilterSpec(
        "many",
        many,
        LIST,
        Kind.LIST,
        "Takes all items that meet all conditions, in their order. Conditions as in `one`.",
        selects=True,
        passes_null=False,
        nulls=_OF_NOTHING + " So the empty list comes out.",
        examples=(
            Example(_PARTNERS, (), _PARTNERS, named={"PARVW": ["AG", "WE"]}),
            Example(_PARTNERS, (), [], named={"PARVW": "RE"}),
        ),
    ),
    FilterSpec(
        "first",
        first,
        LIST,
        Kind.ANY,
        "Takes the first item; of an empty list absent.",
        examples=(Example(["a", "b"], (), "a"), Example([], (), ABSENT)),
    ),
    FilterSpec(
        "last",
        last,
        LIST,
        Kind.ANY,
        "Takes the last item; of an empty list absent.",
        examples=(Example(["a", "b"], (), "b"), Example([], (), ABSENT)),
    ),
    FilterSpec(
        "sort",
        sort,
        LIST,
        Kind.LIST,
        "Puts in order: numbers by value, text by code point, dates by time; equal ones keep "
        "their order. Items of several types are a fault.",
        params=(
            _KEY,
            Param("reverse", frozenset({Kind.BOOLEAN}), "the greatest first", default=False),
        ),
        nulls="Null and absent pass on; items whose value is null or absent come last.",
        examples=(
            Example(["b", None, "B", "a"], (), ["B", "a", "b", None]),
            Example(_LINES, ("qty",), [_LINES[1], _LINES[0], _LINES[2]]),
            Example([1, Decimal("0.5")], (None, True), [1, Decimal("0.5")]),
            Example([1, "2"], fault="HX-2005"),
        ),
    ),
    FilterSpec(
        "unique",
        unique,
        LIST,
        Kind.LIST,
        "Keeps the first of equal items. Case matters; 5 and 5.00 are equal.",
        params=(_KEY,),
        examples=(
            Example(["b", "B", "b"], (), ["b", "B"]),
            Example(_LINES, ("sku",), [_LINES[0], _LINES[1]]),
        ),
    ),
    FilterSpec(
        "group",
        group,
        LIST,
        Kind.LIST,
        "Gathers the items that have the same value of a field: a list of objects with `key` and "
        "`items`, in the order of first appearance.",
        params=(Param("key", TEXT, "the field"),),
        nulls="Null and absent pass on; items whose value is null or absent are one group.",
        examples=(
            Example(
                _LINES,
                ("sku",),
                [
                    {"key": "b", "items": [_LINES[0], _LINES[2]]},
                    {"key": "B", "items": [_LINES[1]]},
                ],
            ),
        ),
    ),
)
