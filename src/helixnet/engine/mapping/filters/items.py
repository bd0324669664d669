"""What the filters on lists share: a field of an item, and the values that a key names."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from helixnet.engine.mapping.filters.spec import misfit
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.compare import type_name
from helixnet.engine.values.faults import ValueFault, shown

Key: TypeAlias = str | Callable[[Any], Any] | None
LIST: Final = frozenset({Kind.LIST})


def field_of(item: Any, name: str) -> Any:
    """Return a field of an object, by its name or, if there is none such, by a dotted path.

    Args:
        item: an object; of null and absent every field is absent.
        name: such as ``BELNR`` or ``C082.3039``; a step on the way may be a list of one.

    Raises:
        ValueFault: HX-2007 if ``item`` is a text, number, list …; HX-2003 if a step on the way
            is a list of several.
    """
    if type(item) is not dict:
        if item is None or item is ABSENT:
            return ABSENT
        text = f'"{name}" of {shown(item)}: a {type_name(item)} has no fields'
        raise ValueFault("HX-2007", text, item)
    fields = cast("dict[str, object]", item)  # type() can't say what is in it
    if name in fields:
        return fields[name]
    head, dot, rest = name.partition(".")
    return field_of(_the_one(fields[head], head), rest) if dot and head in fields else ABSENT


def _the_one(value: object, name: str) -> object:
    """Return what a dotted step goes through: the node, of a list the one item."""
    if type(value) is not list:
        return value
    items = cast("list[object]", value)  # a list of JSON or of nodes
    if len(items) > 1:
        text = f'"{name}" of {len(items)} items: it must be one'
        raise ValueFault("HX-2003", text, None, "select one: one(…), first, each")
    return items[0] if items else ABSENT


def read_key(item: Any, key: Key) -> Any:
    """Return what ``key`` names of an item: the item itself, a field, or what a function gives."""
    if key is None:
        return item
    return field_of(item, key) if isinstance(key, str) else key(item)


def items_of(name: str, value: Any) -> list[Any]:
    """Return ``value``, which must be a list.

    Raises:
        ValueFault: HX-2005.
    """
    if type(value) is not list:
        raise misfit(name, LIST, value)
    return cast("list[Any]", value)  # what is in it is checked where it is used


def values_of(name: str, value: Any, key: Key) -> list[Any]:
    """Return what ``key`` names of every item, without null and absent."""
    items = items_of(name, value)
    found = items if key is None else [read_key(item, key) for item in items]
    return [item for item in found if item is not None and item is not ABSENT]
