"""Names and dotted paths: what a name means at its place, and what a step into it finds."""

from dataclasses import replace

from helixnet.engine.mapping.infer.joining import read_join
from helixnet.engine.mapping.infer.leafing import Leafing
from helixnet.engine.mapping.ir import ANY, Node, Op, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.line_shape import converted
from helixnet.engine.mapping.scope import NEIGHBOURS, SPECIALS, Binding, FieldUse, Role, Special
from helixnet.engine.mapping.shapes import RecordShape, near, shape_names

_STEPPABLE = frozenset({Kind.OBJECT, Kind.LIST, Kind.ANY, Kind.NULL})
BUILT = ("out", "this")
_GROUPED = frozenset({"h", "lines"})
_AROUND = (*NEIGHBOURS, "_parent")


def type_name(leaf: Leafing, node: Node) -> Node:
    """Type a bare name: an `as` or group name, a var, then a member of what is open here."""
    name, scope = str(node.data), leaf.scope
    if name in scope.names:
        return bound(scope.names[name], node.at)
    if name in leaf.world.vars:
        found = leaf.world.var_type(name)
        if found is None:
            leaf.problem("HX-4107", node, f"var `{name}` needs itself")
        return Node(Op.VAR, (), name, node.at, found or ANY)
    if name in leaf.world.joins:
        return read_join(leaf, name, node.at)
    if name in BUILT:
        return _built(leaf, node, [])
    if name == "record":
        return bound(_record(leaf), node.at)
    return _bare(leaf, node, name)


def _bare(leaf: Leafing, node: Node, name: str) -> Node:
    if name in SPECIALS or name in _AROUND:
        return _special(leaf, leaf.scope.here, node, name)
    for binding in leaf.scope.bare:
        if _member_type(binding.type, name) is not None:
            return member(leaf, bound(binding, node.at), name, node)
    _unknown(leaf, node, name)
    return replace(node, op=Op.CONST, data=None)


def bound(binding: Binding, at: int) -> Node:
    """Return the node that reads a binding."""
    return Node(Op.BINDING, (), binding, at, binding.type)


def _record(leaf: Leafing) -> Binding:
    for binding in leaf.scope.names.values():
        if binding.role is Role.HEADER:
            return binding
    binding = leaf.scope.here
    while binding.outer is not None:
        binding = binding.outer
    return binding


def _unknown(leaf: Leafing, node: Node, name: str) -> None:
    scope = leaf.scope
    if name == "inputs":
        leaf.problem("HX-4103", node, "`inputs` alone is no value", "name one: inputs.plant")
        return
    names = [*scope.names, *leaf.world.vars, *leaf.world.joins]
    for binding in scope.bare:
        names += shape_names(binding.type.shape)
    for prefix, binding in scope.names.items():
        names += [f"{prefix}.{each}" for each in shape_names(binding.type.shape)]
    hints = [near(name, names)]
    if name in _GROUPED and not any(each.role is Role.HEADER for each in scope.names.values()):
        hints.append("h and lines are names that `group:` gives: is it missing?")
    if leaf.parsed.text.strip() == name:
        hints.append(f"a fixed text is {{const: {name}}}")
    elif name in ("TRUE", "FALSE", "NULL"):
        hints = [f"write `{name.lower()}`"]
    elif not hints[0].startswith("did") and f"{name}." not in leaf.parsed.text:
        hints.append(f'a text stands in quotes: "{name}"')
    leaf.problem("HX-4103", node, f"unknown name `{name}`", "; ".join(filter(None, hints)))


def type_member(leaf: Leafing, node: Node) -> Node:
    """Type a dotted step or a text subscript."""
    keys: list[tuple[str, int]] = []
    base = node
    while base.op is Op.STEP:
        keys.insert(0, (str(base.data), base.at))
        base = base.args[0]
    if base.op is Op.NAME and base.data in BUILT and base.data not in leaf.scope.names:
        return _built(leaf, base, keys)
    if base.op is Op.NAME and base.data == "inputs" and "inputs" not in leaf.world.vars:
        return _input(leaf, base, keys)
    return _steps(leaf, leaf.raw(base), keys)


def _steps(leaf: Leafing, found: Node, keys: list[tuple[str, int]]) -> Node:
    for key, at in keys:
        found = member(leaf, found, key, Node(Op.STEP, at=at))
    return found


def member(leaf: Leafing, base: Node, key: str, node: Node) -> Node:
    """Return the node that takes member ``key`` of a typed node."""
    if isinstance(base.data, Binding) and (key in SPECIALS or key in _AROUND):
        return _special(leaf, base.data, node, key)
    if isinstance(base.data, Special) and key == "_parent":
        return _special(leaf, base.data.binding, node, key)
    kind = base.type.kind
    if kind not in _STEPPABLE:
        hint = f"nothing stands below a {kind}"
        leaf.problem("HX-4106", node, f"`.{key}` goes through a {kind}", hint)
        return Node(Op.CONST, at=node.at)
    found = _member_type(base.type, key)
    if found is None:
        names = shape_names(base.type.shape)
        leaf.problem("HX-4103", node, f"unknown name `{key}`", near(key, names))
        return Node(Op.CONST, at=node.at)
    shape = base.type.shape
    if base.type.row or (isinstance(shape, RecordShape) and shape.converts(key)):
        return _column(leaf, base, key, node, found)
    found = found.maybe(base.type)
    if kind is not Kind.OBJECT or base.type.null:
        found = replace(found, absent=True)
    step = Node(Op.STEP, (base,), key, node.at, found)
    read = converted(shape, key)
    return step if read is None else Node(Op.READ, (step,), read, node.at, found)


def _column(leaf: Leafing, base: Node, key: str, node: Node, found: Type) -> Node:
    if base.type.kind is Kind.LIST:
        hint = "name one of them: each, first, or one(…)"
        leaf.problem("HX-4106", node, f"`.{key}` of a list of rows", hint)
    if base.op is Op.BINDING and isinstance(base.data, Binding):
        return Node(Op.FIELD, (), FieldUse(base.data, key), node.at, found)
    return Node(Op.FIELD, (base,), FieldUse(None, key), node.at, found.maybe(base.type))


def _member_type(of: Type, key: str) -> Type | None:
    return ANY if of.shape is None else of.shape.step(key)


def _input(leaf: Leafing, base: Node, keys: list[tuple[str, int]]) -> Node:
    name, at = keys[0]
    found = leaf.world.inputs.get(name)
    if found is None:
        hint = near(name, list(leaf.world.inputs)) or "declare it under `inputs`"
        leaf.problem("HX-4103", at, f"unknown input `{name}`", hint)
        found = ANY
    return _steps(leaf, Node(Op.INPUT, (), name, base.at, found), keys[1:])


def _built(leaf: Leafing, base: Node, keys: list[tuple[str, int]]) -> Node:
    if not leaf.scope.built:
        text = f"`{base.data}` can't be read here: nothing is built yet"
        leaf.problem("HX-4103", base, text, "vars, where and skip_when see the source only")
        return Node(Op.CONST, at=base.at)
    found, taken = leaf.world.read_built(leaf, base, keys)
    return _steps(leaf, found, keys[taken:])


def _special(leaf: Leafing, of: Binding, node: Node, name: str) -> Node:
    if name == "_parent":
        if of.outer is None:
            leaf.problem("HX-4103", node, "the record has no `_parent`")
            return Node(Op.CONST, at=node.at)
        return bound(of.outer, node.at)
    if name not in ("_line", "_file", "_pos") and of.role is not Role.ITEM:
        leaf.problem("HX-4103", node, f"`{name}` exists inside an `each` only")
        return Node(Op.CONST, at=node.at)
    if name == "_index" and any(block == "where" for block, _ in leaf.scope.place[-1:]):
        text = "`_index` counts kept items, so `where` can't read it"
        leaf.problem("HX-4102", node, text, "use _pos")
    found = SPECIALS.get(name)
    if found is None:
        found = replace(of.type, absent=True)
    return Node(Op.SPECIAL, (), Special(of, name), node.at, found)
