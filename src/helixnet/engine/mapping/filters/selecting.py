"""Selectors whose conditions are texts known when compiling: the usual list in one short loop."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from helixnet.engine.values.absent import ABSENT

Select = Callable[[Any], Any]


def quick_selector(
    name: str, function: Callable[[Any, Mapping[str, Any]], Any], conditions: Mapping[str, Any]
) -> Select | None:
    """Return what a selector does with one text to look for, as a function of the list alone.

    A list that holds anything but objects with a text or nothing under that name goes to the
    selector's own ``function``, and so does every fault.

    Args:
        name: of the selector.
        function: of the selector.
        conditions: values by field.

    Returns:
        None where the conditions are others.
    """
    quick = _QUICK.get(name)
    if quick is None or len(conditions) != 1:
        return None
    [(key, wanted)] = conditions.items()
    if type(wanted) is not str or key.count(".") > 1:
        return None
    return quick(key, wanted, lambda value: function(value, conditions))


def _below(key: str) -> Select | None:
    """Return what reads a field of a node below an item; None for a field of the item itself."""
    head, dot, rest = key.partition(".")
    if not dot:
        return None

    def read(item: Any) -> Any:
        if key in item:  # a field of that very name comes first
            return _ODD
        node = item.get(head)
        if node.__class__ is list:
            if len(node) > 1:
                return _ODD
            node = node[0] if node else None
        if node is None:
            return None
        return node.get(rest) if node.__class__ is dict else _ODD

    return read


def _quick_one(key: str, wanted: str, otherwise: Select) -> Select:
    below = _below(key)

    def select(value: Any) -> Any:
        found: Any = None
        if _is_list(value):
            items: list[dict[str, Any]] = value
            for item in items:
                if type(item) is not dict:
                    return otherwise(value)
                text: Any = item.get(key) if below is None else below(item)
                if text == wanted:
                    if found is not None:
                        return otherwise(value)
                    found = item
                elif type(text) is not str and text is not None:
                    return otherwise(value)
        return otherwise(value) if found is None else found

    return select


def _quick_maybe(key: str, wanted: str, otherwise: Select) -> Select:
    many = _quick_many(key, wanted, lambda _: None)

    def select(value: Any) -> Any:
        found = many(value)
        if found is None or len(found) > 1:
            return otherwise(value)
        return found[0] if found else ABSENT

    return select


def _quick_any(key: str, wanted: str, otherwise: Select) -> Select:
    many = _quick_many(key, wanted, lambda _: None)

    def select(value: Any) -> Any:
        found = many(value)
        return otherwise(value) if found is None else bool(found)

    return select


def _quick_many(key: str, wanted: str, otherwise: Select) -> Select:
    below = _below(key)

    def select(value: Any) -> Any:
        if not _is_list(value):
            return otherwise(value)
        found: list[dict[str, Any]] = []
        items: list[dict[str, Any]] = value
        for item in items:
            if type(item) is not dict:
                return otherwise(value)
            text: Any = item.get(key) if below is None else below(item)
            if text == wanted:
                found.append(item)
            elif type(text) is not str and text is not None:
                return otherwise(value)
        return found

    return select


_ODD: Final = object()  # no text: the selector itself has to look


def _is_list(value: object) -> bool:
    return type(value) is list


_QUICK: Final[Mapping[str, Callable[[str, str, Select], Select]]] = {
    "one": _quick_one,
    "maybe": _quick_maybe,
    "any": _quick_any,
    "many": _quick_many,
}
