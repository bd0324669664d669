"""From the map of a context to typed slots, in the order in which they must be computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from helixnet.engine.context.model import (
    ArrayNode,
    Const,
    ContextProblem,
    EachNode,
    Join,
    Leaf,
    Lookup,
    MapNode,
    Mark,
    ObjectNode,
    WhenNode,
)
from helixnet.engine.mapping.built import read_built
from helixnet.engine.mapping.filled import as_kind, filled
from helixnet.engine.mapping.infer.elements import as_list
from helixnet.engine.mapping.infer.joining import inner_condition
from helixnet.engine.mapping.infer.leafing import Leafing, item_type, value_type
from helixnet.engine.mapping.infer.nodes import type_condition, type_leaf, type_node
from helixnet.engine.mapping.infer.parse import parse_leaf
from helixnet.engine.mapping.ir import BOOLEAN, Node, Op, Parsed, Type
from helixnet.engine.mapping.kinds import NUMBERS, Kind
from helixnet.engine.mapping.reads import walk
from helixnet.engine.mapping.scope import Binding, FieldUse, Role, Scope
from helixnet.engine.mapping.shapes import DictShape, near
from helixnet.engine.mapping.slots import Region, Slot, Spot, State
from helixnet.engine.mapping.targets import document_type, written_type
from helixnet.engine.validation.view import SchemaView

MAX_EACH: Final = 12
_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
MAX_SLOTS: Final = 4_000
MAX_BLOCKS: Final = 40


@dataclass(slots=True)
class Outline:
    """All slots of a plan: the :class:`~helixnet.engine.mapping.infer.leafing.World` of leaves.

    Args:
        lookups: tables by name.
        inputs: types of the declared inputs.
        vars: as the context has them.
        problems: everything found wrong, in the order met.
        joins: second files by name.
        join_types: what each of them gives.
        settled: those that something reads.
        items: what the map calls the items of its `each`.
    """

    lookups: Mapping[str, Lookup]
    inputs: Mapping[str, Type]
    vars: Mapping[str, MapNode]
    problems: list[ContextProblem]
    slots: dict[int, Slot] = field(default_factory=dict[int, Slot])
    root: Slot | None = None
    var_slots: dict[str, Slot] = field(default_factory=dict[str, Slot])
    var_scope: Scope | None = None
    bindings: int = 2
    joins: Mapping[str, Join] = field(default_factory=dict[str, Join])
    join_types: Mapping[str, Type] = field(default_factory=dict[str, Type])
    settled: set[str] = field(default_factory=set[str])
    items: frozenset[str] = frozenset()

    def problem(self, mark: Mark, code: str, message: str, hint: str = "") -> None:
        """Note a problem at a place of the context."""
        self.problems.append(ContextProblem(mark, code, message, hint))

    # the skeleton: every slot that no `each` hides

    def lay(
        self, node: MapNode, spot: Spot, *, parent: Slot | None = None, target: bool = True
    ) -> Slot:
        """Make the slot of a node and of all below it, but for the bodies of `each`."""
        slot = self._slot(node, spot, parent, target=target)
        if isinstance(node, ObjectNode):
            self._lay_object(slot, node)
        elif isinstance(node, ArrayNode):
            self._lay_array(slot, node)
        elif isinstance(node, WhenNode):
            self._lay_when(slot, node)
        return slot

    def _slot(self, node: MapNode, spot: Spot, parent: Slot | None, *, target: bool) -> Slot:
        if len(self.slots) == MAX_SLOTS:
            self.problem(node.mark, "HX-4102", f"the map has more than {MAX_SLOTS:,} nodes")
        slot = Slot(
            len(self.slots),
            node,
            spot.pointer,
            spot.view,
            spot.scope,
            spot.region,
            parent,
            item=spot.item,
            target=target,
        )
        self.slots[slot.number] = slot
        return slot

    def lay_outputs(
        self, node: ObjectNode, scope: Scope, views: Sequence[SchemaView | None]
    ) -> Slot:
        """Make the slots of several outputs, each a document or a list of them by its own schema.

        Args:
            node: the map of each output by its name.
            scope: names that the record gives.
            views: what the schema of each says; None = nothing.
        """
        spot = Spot((), None, scope, Region())
        slot = self._slot(node, spot, None, target=True)
        slot.outputs = True
        for (name, child), view in zip(node.fields.items(), views, strict=True):
            own = scope.at(name) if isinstance(child, ObjectNode) else scope
            below = Spot((name,), view, own, spot.region)
            slot.members[name] = self.lay(child, below, parent=slot)
        return slot

    def _lay_array(self, slot: Slot, node: ArrayNode) -> None:
        region = slot.inner = Region()
        items = slot.view.items if slot.view is not None else None
        for each in node.items:
            own = replace(slot.scope, region=len(self.slots), this=())
            spot = Spot((*slot.pointer, slot.number), items, own, region, item=True)
            self._below(slot, each, spot)

    def _lay_when(self, slot: Slot, node: WhenNode) -> None:
        region = slot.inner = Region()
        scope = slot.scope.inside("when", slot.number)
        if isinstance(node.map, ObjectNode) and slot.pointer:
            last = slot.pointer[-1]
            scope = scope.at(last) if isinstance(last, str) else scope
        spot = Spot(slot.pointer, slot.view, scope, region, item=slot.item)
        self._below(slot, node.map, spot)

    def _below(self, slot: Slot, node: MapNode, spot: Spot) -> None:
        if len(spot.scope.place) > MAX_BLOCKS:
            self.problem(slot.mark, "HX-4102", "each and when are nested too deep")
            return
        slot.items.append(self.lay(node, spot, parent=slot, target=slot.target))

    def _lay_object(self, slot: Slot, node: ObjectNode) -> None:
        view = slot.view
        for name, child in node.fields.items():
            mark = node.marks.get(name, child.mark)
            below = view.property(name) if view is not None else None
            if view is not None:
                self._named(view, name, mark)
            scope = slot.scope.at(name) if isinstance(child, ObjectNode) else slot.scope
            spot = Spot((*slot.pointer, name), below, scope, slot.region)
            slot.members[name] = self.lay(child, spot, parent=slot, target=slot.target)
        for name in sorted(view.required if view is not None else ()):
            if name not in node.fields:
                text = f"the target schema requires `{name}`"
                self.problem(node.mark, "HX-4111", text, f"add `{name}:` to the map")

    def _named(self, view: SchemaView, name: str, mark: Mark) -> None:
        """Refuse a key that the schema forbids, or does not name where it names others."""
        unnamed = view.names and view.property(name) is None and not view.additional_written
        if view.forbids(name) or unnamed:
            hint = near(name, view.names) or "the schema allows no property here"
            if name in view.names:
                hint = "`additionalProperties: false` allows only the properties written beside it"
            self.problem(mark, "HX-4110", f"`{name}` is not in the target schema", hint)

    # typing, on demand: what another slot reads is typed, and so computed, before it

    def type_slot(self, slot: Slot) -> bool:
        """Type a slot and all below it; False when it is being typed already: a circle."""
        if slot.state is not State.NEW:
            return slot.state is State.DONE
        slot.state = State.BUSY
        node = slot.node
        if isinstance(node, Leaf):
            self._type_leaf(slot, node)
        elif isinstance(node, Const):
            slot.type = value_type(node.value)
        elif isinstance(node, ObjectNode):
            self._type_object(slot)
        elif isinstance(node, ArrayNode):
            self._type_array(slot)
        elif isinstance(node, EachNode):
            self._type_each(slot, node)
        else:
            self._type_when(slot, node)
        slot.state = State.DONE
        slot.region.order.append(slot)
        return True

    def leafing(
        self, parsed: Parsed, scope: Scope, problems: list[ContextProblem] | None = None
    ) -> Leafing:
        """Return what the typing of a leaf needs."""
        noted = self.problems if problems is None else problems
        return Leafing(parsed, scope, self, noted, type_node)

    def condition(self, leaf: Leaf | None, scope: Scope) -> Node | None:
        """Parse and type a condition; None when there is none or it does not parse."""
        parsed = parse_leaf(leaf, self.problems) if leaf is not None else None
        return type_condition(self.leafing(parsed, scope)) if parsed is not None else None

    def expression(self, leaf: Leaf, scope: Scope, *, raw: bool = False) -> Node | None:
        """Parse and type an expression or template; None when it does not parse."""
        parsed = parse_leaf(leaf, self.problems)
        return type_leaf(self.leafing(parsed, scope), raw=raw) if parsed is not None else None

    def _type_leaf(self, slot: Slot, leaf: Leaf) -> None:
        slot.parsed = parse_leaf(leaf, self.problems)
        if slot.parsed is None:
            return
        slot.root = type_leaf(self.leafing(slot.parsed, slot.scope), raw=not slot.target)
        slot.type = slot.root.type
        if not slot.target:
            return
        found = written_type(slot.root.type, slot.view)
        if found is None:
            types = slot.view.types if slot.view is not None else None
            what = " or ".join(sorted(types or ()))
            text = f"{slot.root.type.kind} can't become {what or 'this format'}"
            self.problem(slot.mark, "HX-4112", text, "convert it in the expression")
            return
        self._refuse_text(slot, slot.root)
        slot.type = document_type(found)

    def _refuse_text(self, slot: Slot, root: Node) -> None:
        """Refuse `1 if … else ""` where the schema takes no text: Excel's way to say nothing."""
        types = slot.view.types if slot.view is not None else None
        if root.op is not Op.IF or types is None or "string" in types:
            return
        for branch in root.args[1:]:
            if branch.op is Op.CONST and isinstance(branch.data, str):
                text = f'"{branch.data}" can\'t become {" or ".join(sorted(types))}'
                hint = "without `else` the value is absent; `when:` leaves out the key"
                self.problem(slot.mark, "HX-4112", text, hint)

    def _type_object(self, slot: Slot) -> None:
        for child in slot.members.values():
            if not self.type_slot(child):
                self._circle(slot)
        members = {name: child.type for name, child in slot.members.items()}
        slot.type = Type(Kind.OBJECT, shape=DictShape(members))
        self._fits(slot, "object")

    def _type_array(self, slot: Slot) -> None:
        for child in slot.items:
            self.type_slot(child)
        slot.type = Type(Kind.LIST)
        self._fits(slot, "array")

    def _type_when(self, slot: Slot, node: WhenNode) -> None:
        slot.root = self.condition(node.when, slot.scope)
        for child in slot.items:
            self.type_slot(child)
            slot.type = replace(child.type, absent=True)

    def _type_each(self, slot: Slot, node: EachNode) -> None:
        outside = slot.scope
        slot.when = self.condition(node.when, outside)
        root = self.expression(node.each, outside, raw=True)
        slot.root = as_list(root) if root is not None else None
        of = slot.root.type if slot.root is not None else Type(Kind.ANY)
        if of.kind not in (Kind.LIST, Kind.ANY, Kind.NULL) and not (
            of.kind is Kind.OBJECT and not of.row
        ):
            self.problem(node.each.mark, "HX-4106", f"each takes a list, not {of.kind}")
        item = item_type(of) if of.kind is Kind.LIST else Type(Kind.ANY, True, True, of.shape)  # noqa: FBT003 - null, absent
        slot.binding = Binding(self.bindings, Role.ITEM, item, outside.here)
        self.bindings += 1
        scope = outside.item(slot.binding, node.name, slot.number)
        if sum(block == "each" for block, _ in scope.place) > MAX_EACH:
            self.problem(slot.mark, "HX-4102", f"more than {MAX_EACH} each inside each other")
            return
        where = replace(scope.inside("where", slot.number), built=False)
        slot.where = self.condition(node.where, where)
        if node.where is not None:
            self._doubt_nulls(slot.where, node.where.mark)
        self._keep_joined(slot, node, where)
        slot.inner = Region()
        own = not (slot.spliced or slot.documents)
        view = slot.view.items if slot.view is not None and own else slot.view
        pointer = (*slot.pointer, slot.number) if own else slot.pointer
        self._below(slot, node.map, Spot(pointer, view, scope, slot.inner, item=True))
        for child in slot.items:
            self.type_slot(child)
            shape = child.type.shape if child.type.kind is Kind.OBJECT else None
            kind = child.type.kind if shape is None else Kind.ANY
            items = kind if not (child.type.null or child.type.absent) else Kind.ANY
            slot.type = Type(Kind.LIST, absent=slot.when is not None, shape=shape, items=items)
        if own:
            self._fits(slot, "array")

    def _doubt_nulls(self, where: Node | None, mark: Mark) -> None:
        """Warn of a condition that leaves items out because a number or date of theirs is null."""
        nodes = [] if where is None else list(walk(where))
        if any(node.op is Op.TEST for node in nodes):
            return
        compared = [node for node in nodes if node.op is Op.COMPARE and node.data in _ORDERS]
        for read in (arg for node in compared for arg in node.args if arg.op is Op.FIELD):
            if read.type.null and read.type.kind in (*NUMBERS, Kind.DATE, Kind.DATETIME):
                name = as_kind(read.data, FieldUse).name
                text = f"an item whose {name} is null is left out without a word"
                hint = f"if that is a fault, declare {name} `required: true`; else add `is present`"
                self.problems.append(ContextProblem(mark, "HX-4115", text, hint, "warning"))

    def _keep_joined(self, slot: Slot, node: EachNode, where: Scope) -> None:
        """Keep only the items for which the inner joins that read them find a row."""
        found, leaf = inner_condition(self, where, slot.binding, self.items)
        if found is None:
            return
        if slot.where is None:
            slot.where, slot.node = found, replace(node, where=leaf)
        else:
            slot.where = Node(Op.AND, (slot.where, found), type=BOOLEAN)

    def _fits(self, slot: Slot, kind: str) -> None:
        types = slot.view.types if slot.view is not None and slot.target else None
        if types is not None and kind not in types:
            text = f"an {kind} can't become {' or '.join(sorted(types))}"
            self.problem(slot.mark, "HX-4112", text)

    def _circle(self, slot: Slot) -> None:
        self.problem(slot.mark, "HX-4107", "this is built in a circle", "use vars")

    # what a leaf asks of the rest

    def var_type(self, name: str) -> Type | None:
        """Type a var; None when it needs itself."""
        slot = self.var_slots.get(name)
        if slot is None:
            spot = Spot((name,), None, filled(self.var_scope), Region())
            slot = self.lay(self.vars[name], spot, target=False)
            self.var_slots[name] = slot
        done = self.type_slot(slot)
        return slot.type if done else None

    def read_built(
        self, leaf: Leafing, base: Node, keys: list[tuple[str, int]]
    ) -> tuple[Node, int]:
        """Type a path from `out` or `this`."""
        return read_built(self, leaf, base, keys)
