"""``source.records``: the types of lines in a file that has several."""

from collections.abc import Mapping
from typing import Final

from helixnet.engine.context.field_reader import read_fields
from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import boolean, texts
from helixnet.engine.context.model import Field, Mark, Place, RecordType
from helixnet.engine.context.places import read_place
from helixnet.engine.context.problems import Problems, near
from helixnet.engine.context.yaml_nodes import Items, Node, Pairs, Scalar, kind

OWN: Final = ("_line", "_name")
"""What every line has besides its fields."""


def read_records(node: Node, places: str, problems: Problems) -> dict[str, RecordType]:
    """Read ``records`` in the order written.

    Args:
        node: the value of ``records``.
        places: what ``at`` is; see :func:`~helixnet.engine.context.places.read_place`.
        problems: takes what is wrong.
    """
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`records` is a mapping, not {kind(node)}")
        return {}
    reader = _RecordReader(places, problems)
    types = {key.text: reader.read(key, value) for key, value in node.pairs}
    found = {name: one for name, one in types.items() if one is not None}
    if len(found) == len(types):
        _check(found, node.mark, problems)
    return found


class _RecordReader:
    """Reads types one by one; one that names no place has that of the type above."""

    def __init__(self, places: str, problems: Problems) -> None:
        self._places, self._problems = places, problems
        self._at: Place | None = None

    def read(self, key: Scalar, node: Node) -> RecordType | None:
        name, problems = f"records.{key.text}", self._problems
        keys = section(node, problems, "record", name=name)
        if keys is None:
            return None
        at = read_place(keys["at"], problems, self._places) if "at" in keys else self._at
        if at is None:
            if "at" not in keys:
                hint = "say where the text stands that tells the type; later types may leave it out"
                problems.add(key.mark, "HX-4005", f"`{name}` lacks `at`", hint)
            return None
        self._at = at
        return RecordType(
            name=key.text,
            at=at,
            texts=self._texts(key, keys.get("is"), at),
            fields=self._fields(key, keys),
            children=self._children(keys),
            once=bool("once" in keys and boolean(keys["once"], problems, "once")),
            mark=key.mark,
        )

    def _texts(self, key: Scalar, node: Node | None, at: Place) -> list[str]:
        """Read ``is``; in fixed-width lines blanks at the end of a text are padding."""
        found = texts(node, self._problems, "is") if node is not None else [key.text]
        if not isinstance(at, tuple):
            return found
        for text in found:
            if len(text) > at[1] - at[0]:
                mark = node.mark if node is not None else key.mark
                message = f"`{text}` is longer than its place, {at[0]}:{at[1]}"
                self._problems.add(mark, "HX-4004", message, "correct `is`, or `at`")
        return [text.rstrip(" ") for text in found]

    def _fields(self, key: Scalar, keys: Mapping[str, Node]) -> dict[str, Field]:
        if "fields" not in keys:
            return {}
        fields = read_fields(keys["fields"], self._problems, place=self._places)
        for name, field in fields.items():
            if name in OWN:
                message = f"`{name}` of `records.{key.text}` is there in every line already"
                self._problems.add(field.mark, "HX-4004", message, "take another name")
        return fields

    def _children(self, keys: Mapping[str, Node]) -> list[str]:
        node = keys.get("children")
        if node is None or (isinstance(node, Items) and not node.items):
            return []
        return texts(node, self._problems, "children")


def _check(types: Mapping[str, RecordType], mark: Mark, problems: Problems) -> None:
    """Say what does not fit together."""
    told: dict[tuple[Place, str], str] = {}
    for name, one in types.items():
        for text in one.texts:
            other = told.setdefault((one.at, text), name)
            if other != name:
                message = f"`{text}` tells both `{other}` and `{name}`"
                problems.add(one.mark, "HX-4004", message, "a line can be of one type only")
        for child in one.children:
            _check_child(types, one, child, problems)
    _check_roots(types, mark, problems)


def _check_child(
    types: Mapping[str, RecordType], one: RecordType, child: str, problems: Problems
) -> None:
    if child not in types:
        hint = near(child, types)
        problems.add(one.mark, "HX-4103", f"`{child}` is no record type", hint)
    elif types[child].once or one.once:
        lone = child if types[child].once else one.name
        message = f"`{lone}` stands once in the file, so it has no parent and no children"
        problems.add(one.mark, "HX-4004", message, "drop `once`, or take it out of `children`")
    elif child in one.fields:
        message = f"`{child}` is a field of `{one.name}` and a record type below it"
        problems.add(one.mark, "HX-4004", message, "take another name for the field")


def _check_roots(types: Mapping[str, RecordType], mark: Mark, problems: Problems) -> None:
    below = {
        name: {child for child in one.children if child in types} for name, one in types.items()
    }
    for name, one in types.items():
        reached, left = set[str](), [*below[name]]
        while left:
            child = left.pop()
            if child not in reached:
                reached.add(child)
                left += below[child]
        if name in reached:
            problems.add(one.mark, "HX-4004", f"`{name}` stands below itself", "break the circle")
            return
    children = {child for one in below.values() for child in one}
    if not any(name not in children and not one.once for name, one in types.items()):
        hint = "one type begins a record: it is no child, and does not stand `once`"
        problems.add(mark, "HX-4004", "`records` has no type that a record begins with", hint)
