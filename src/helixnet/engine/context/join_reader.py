"""``joins``: second files, whose rows a map reads beside its own record."""

from collections.abc import Mapping, Sequence

from helixnet.engine.context.keys import section
from helixnet.engine.context.literals import choice, text
from helixnet.engine.context.map_reader import identifier, read_map
from helixnet.engine.context.model import Const, Join, Leaf, Source
from helixnet.engine.context.names import find
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.source_reader import read_source
from helixnet.engine.context.yaml_nodes import Node, Pairs, Scalar, kind

KINDS = ("left", "inner", "reject")


def read_joins(
    node: Node, files: Mapping[str, bytes], taken: Sequence[str], problems: Problems
) -> dict[str, Join]:
    """Read every join; one that can't be used is left out and a problem says why.

    Args:
        node: the value of ``joins``.
        files: of the bundle.
        taken: names that mean something else already: of the group, vars and declared fields.
        problems: takes what is wrong.
    """
    if not isinstance(node, Pairs):
        problems.add(node.mark, "HX-4004", f"`joins` is a mapping, not {kind(node)}")
        return {}
    read: dict[str, Join] = {}
    for key, value in node.pairs:
        name = identifier(key, problems, "joins")
        join = _join(key, value, files, problems)
        if name is not None and name in taken:
            message = f"`{name}` is a name of the group, a var or a field already"
            problems.add(key.mark, "HX-4004", message, "take another name")
        elif name is not None and join is not None:
            read[name] = join
    return read


def _join(key: Scalar, node: Node, files: Mapping[str, bytes], problems: Problems) -> Join | None:
    keys = section(node, problems, "join", required=("source", "on"), name=f"joins.{key.text}")
    if keys is None:
        return None
    name = text(keys["file"], problems, "file") if "file" in keys else None
    file = find(name, keys["file"].mark, files, problems) if name else None
    source = read_source(keys["source"], files, problems) if "source" in keys else None
    on = _on(keys["on"], source, problems) if "on" in keys else {}
    chosen = choice(keys["kind"], problems, "kind", KINDS) if "kind" in keys else "left"
    rows = choice(keys["rows"], problems, "rows", ("one", "many")) if "rows" in keys else "one"
    if source is None or not on:
        return None
    if source.format != "csv" or source.records is not None:
        hint = "bring the second file into CSV"
        problems.add(keys["source"].mark, "HX-4301", "a join reads a CSV file of plain rows", hint)
        return None
    return Join(key.text, source, file, on, chosen or "left", rows == "many", key.mark)


def _on(node: Node, source: Source | None, problems: Problems) -> dict[str, Leaf | Const]:
    """Read which column of the second file must equal which expression of the map."""
    if not isinstance(node, Pairs):
        hint = "such as {MATNR: l.SKU}: a column of the second file, and what it must equal"
        problems.add(node.mark, "HX-4004", f"`on` is a mapping, not {kind(node)}", hint)
        return {}
    read: dict[str, Leaf | Const] = {}
    declared = source.fields if source is not None else None
    for key, value in node.pairs:
        leaf = read_map(value, problems)
        if declared and key.text not in declared:
            message = f"`{key.text}` is no field of the join's source"
            problems.add(key.mark, "HX-4103", message, "declare it under its `fields`")
        if isinstance(leaf, Leaf | Const):
            read[key.text] = leaf
        else:
            problems.add(value.mark, "HX-4004", f"`{key.text}` equals one expression")
    if not any(isinstance(leaf, Leaf) for leaf in read.values()):
        problems.add(node.mark, "HX-4004", "`on` reads nothing of the record", "name a field of it")
    return read
