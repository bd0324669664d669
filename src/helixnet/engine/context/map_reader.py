"""``map`` and ``vars``: the shape of the target document, its leaves still text."""

from helixnet.engine.context.keys import DIRECTIVES
from helixnet.engine.context.literals import constant, data, is_number, odd, text
from helixnet.engine.context.model import (
    ArrayNode,
    Const,
    EachNode,
    Leaf,
    MapNode,
    ObjectNode,
    WhenNode,
)
from helixnet.engine.context.problems import Problems
from helixnet.engine.context.yaml_nodes import Items, Node, Pairs, Scalar, kind

_EACH = frozenset({"each", "as", "where", "when", "map"})
_WHEN = frozenset({"when", "map"})
_HABITS = {"if": "when` or, of the items of a list, `where", "for": "each", "then": "map"}
RESERVED = frozenset(
    {"out", "this", "inputs", "record", "true", "false", "null", "none", "and", "or", "not", "in"}
    | {"is", "if", "else", "loop", "self"}
)


def read_map(node: Node, problems: Problems) -> MapNode:
    """Read one node of a map; where it is wrong, a null stands in and a problem says why."""
    match node:
        case Scalar():
            return constant(node, problems) or expression(node, problems) or _null(node)
        case Items():
            return ArrayNode([read_map(one, problems) for one in node.items], node.mark)
        case Pairs():
            return _mapping(node, problems)


def expression(node: Node, problems: Problems) -> Leaf | None:
    """Read a leaf that must be an expression or template; None after a problem."""
    if not isinstance(node, Scalar):
        problems.add(node.mark, "HX-4004", f"an expression stands here, not {kind(node)}")
        return None
    if not node.text.strip():
        empty = 'write `null`, or {const: ""} for an empty text'
        problems.add(node.mark, "HX-4008", "empty leaf", empty)
        return None
    doubt = odd(node.text, leaf=True) if node.plain and not is_number(node.text) else None
    if doubt is not None:
        problems.add(node.mark, "HX-4007", *doubt)
        return None
    return Leaf(node.text, node.mark)


def condition(node: Node, problems: Problems) -> Leaf | None:
    """Read a condition: as an expression, and ``true`` or ``false`` stay expressions."""
    if isinstance(node, Scalar) and node.plain and (node.text == "null" or is_number(node.text)):
        message = f"a condition is true or false, not `{node.text}`"
        problems.add(node.mark, "HX-4004", message, "write an expression that compares")
        return None
    return expression(node, problems)


def _null(node: Node) -> Const:
    return Const(None, node.mark)


def _mapping(node: Pairs, problems: Problems) -> MapNode:
    keys = {key.text for key, _ in node.pairs}
    if not keys & set(DIRECTIVES):
        return _object(node, problems)
    if keys == {"const"}:
        return Const(data(node.pairs[0][1], problems), node.mark)
    if keys == {"object"}:
        return _only_fields(node.pairs[0][1], problems)
    if "each" in keys and keys <= _EACH:
        return _each(node, problems)
    if "when" in keys and keys <= _WHEN:
        return _when(node, problems)
    return _mixed(node, problems)


def _mixed(node: Pairs, problems: Problems) -> MapNode:
    """A directive among fields: neither reading is safe, so say how to write both."""
    directive = next(key for key, _ in node.pairs if key.text in DIRECTIVES)
    others = [key.text for key, _ in node.pairs if key is not directive]
    beside = f"beside {', '.join(f'`{one}`' for one in others)}" if others else "alone"
    message = f"directive `{directive.text}` stands {beside}"
    hint = "if all keys here are fields of the target, put them under `object:`"
    habits = [f"`{one}` is written `{_HABITS[one]}`" for one in others if one in _HABITS]
    problems.add(directive.mark, "HX-4004", message, "; ".join([*habits, hint]))
    return _object(node, problems)


def _only_fields(node: Node, problems: Problems) -> MapNode:
    if isinstance(node, Pairs):
        return _object(node, problems)
    problems.add(node.mark, "HX-4004", f"`object` is a mapping of fields, not {kind(node)}")
    return _null(node)


def _object(node: Pairs, problems: Problems) -> ObjectNode:
    fields = {key.text: read_map(value, problems) for key, value in node.pairs}
    return ObjectNode(fields, {key.text: key.mark for key, _ in node.pairs}, node.mark)


def _each(node: Pairs, problems: Problems) -> MapNode:
    each = expression(node.get("each") or node, problems)
    body = _body(node, problems, "each")
    alias = node.get("as")
    where, when = (_optional(node.get(key), problems) for key in ("where", "when"))
    name = identifier(alias, problems, "as") if alias else None
    if each is None or body is None:
        return _null(node)
    return EachNode(each=each, name=name, where=where, when=when, map=body, mark=node.mark)


def _when(node: Pairs, problems: Problems) -> MapNode:
    when = _optional(node.get("when"), problems)
    body = _body(node, problems, "when")
    if when is None or body is None:
        return body or _null(node)
    return WhenNode(when, body, node.mark)


def _body(node: Pairs, problems: Problems, directive: str) -> MapNode | None:
    body = node.get("map")
    if body is not None:
        return read_map(body, problems)
    hint = f"add `map:`; if `{directive}` is a field of the target, put it under `object:`"
    problems.add(node.mark, "HX-4005", f"`{directive}` lacks `map`", hint)
    return None


def _optional(node: Node | None, problems: Problems) -> Leaf | None:
    return None if node is None else condition(node, problems)


def identifier(node: Node, problems: Problems, what: str) -> str | None:
    """Read a name that expressions can use: ASCII letters, digits and ``_``, not reserved."""
    name = text(node, problems, what)
    if name is None:
        return None
    legal = name.isascii() and name.isidentifier() and not name.startswith("_")
    if legal and name.lower() not in RESERVED:
        return name
    message = f"`{what}` can't be `{name}`"
    problems.add(node.mark, "HX-4004", message, "use a letter, then letters, digits and `_`")
    return None
