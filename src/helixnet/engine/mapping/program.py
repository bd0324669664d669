"""A context's expressions, typed and ordered: what is generated for each file's header."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from helixnet.engine.context.model import (
    Context,
    ContextProblem,
    EachNode,
    InputSpec,
    Leaf,
    ObjectNode,
    WhenNode,
    root_types,
)
from helixnet.engine.formats.grammar import Grammar
from helixnet.engine.mapping.filled import filled
from helixnet.engine.mapping.infer.elements import ElementShape
from helixnet.engine.mapping.infer.joining import inner_condition, item_names, join_type, unsettled
from helixnet.engine.mapping.ir import BOOLEAN, Node, Op, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.line_shape import LinesShape
from helixnet.engine.mapping.outline import Outline
from helixnet.engine.mapping.reads import Place, Reads, Use, mark_needs, reads_of
from helixnet.engine.mapping.scope import Binding, Role, Scope
from helixnet.engine.mapping.shapes import (
    DictShape,
    RecordShape,
    SegmentShape,
    field_kind,
    row_shape,
)
from helixnet.engine.mapping.slots import Region, Slot, Spot
from helixnet.engine.validation.view import SchemaView

SKIP: Final = -1
CHECKS: Final = -1000
WHERE: Final = 2_000_000
"""Added to the number of an `each`, it is the number of its `where`."""


@dataclass(slots=True)
class Program:
    """Everything that generation needs.

    Args:
        reads: by slot number; also SKIP, and CHECKS minus the number of a check.
        uses: columns of records and items that the map reads.
        roots: blocks around each binding.
        here: the record, or the header row of a group.
        columns: every column that any expression reads.
        early_vars: vars that `skip_when` reads, in order.
        late_vars: the others that are read.
        var_targets: slots that each var feeds.
        finders: for each join the function from its keys to what it gives.
        deliver: for each delivery its key, an expression over the finished document.
    """

    context: Context
    outline: Outline
    inputs: Mapping[str, object]
    here: Binding
    reads: dict[int, Reads] = field(default_factory=dict[int, Reads])
    uses: dict[tuple[int, str], Use] = field(default_factory=dict[tuple[int, str], Use])
    roots: dict[int, Place] = field(default_factory=dict[int, Place])
    columns: frozenset[str] = frozenset()
    skip_when: Node | None = None
    checks: list[tuple[Node, Node]] = field(default_factory=list[tuple[Node, Node]])
    early_vars: Sequence[Slot] = ()
    late_vars: Sequence[Slot] = ()
    deep_vars: frozenset[str] = frozenset()
    var_targets: dict[int, Sequence[int]] = field(default_factory=dict[int, Sequence[int]])
    finders: Mapping[str, Callable[..., Any]] = field(default_factory=dict[str, Callable[..., Any]])
    deliver: list[Node | None] = field(default_factory=list["Node | None"])


def columns_named(program: Program) -> frozenset[str]:
    """Return the columns that map and group name: a file that lacks one can't be mapped."""
    group = program.context.group
    return program.columns.union((*group.by, *group.same) if group is not None else ())


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides the context.

    Args:
        views: of each output, what its target schema says; empty = nothing.
        grammar: of segments.
        header: columns of the file; None = not known.
        keys: top-level keys of JSON samples; None = any.
        inputs: values given from outside, defaults filled in.
        second: columns of the second files that are at hand, by the name of the join.
    """

    views: Sequence[SchemaView | None]
    grammar: Grammar | None = None
    header: Sequence[str] | None = None
    keys: frozenset[str] | None = None
    inputs: Mapping[str, object] = field(default_factory=dict[str, object])
    second: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def build_program(
    context: Context,
    known: Known,
    problems: list[ContextProblem],
    *,
    document: bool = True,
) -> Program | None:
    """Type everything in a context; note what is wrong. None for one without map.

    Args:
        context: as read.
        known: what is known besides.
        problems: takes what is wrong.
        document: the map gives a document; else values, as a template sees them.
    """
    if context.map is None:
        return None
    outline = Outline(
        context.lookups,
        input_types(context),
        context.vars,
        problems,
        joins=context.joins,
        join_types={
            name: join_type(join, known.second.get(name)) for name, join in context.joins.items()
        },
        items=frozenset(item_names(context.map)),
    )
    scope = record_scope(context, known)
    outline.var_scope = replace(scope, built=False)
    views = known.views if document and known.views else [None] * len(context.outputs)
    if context.named and isinstance(context.map, ObjectNode):
        root = outline.lay_outputs(context.map, scope, views)
    else:
        root = outline.lay(context.map, Spot((), views[0], scope, Region()), target=document)
    outline.root = root
    program = Program(context, outline, known.inputs, scope.here)
    program.skip_when = outline.condition(context.skip_when, replace(scope, built=False))
    _skip_unmatched(program, replace(scope, built=False))
    early = list(outline.var_slots.values())
    outline.type_slot(root)
    for name in context.vars:  # a var that nothing reads is still checked
        if name not in outline.var_slots:
            _check_only(outline, name)
    for check in context.checks:
        that = outline.condition(check.that, scope)
        text = outline.expression(check.text, scope)
        if that is not None and text is not None:
            program.checks.append((that, text))
    if document:
        problems += unsettled(outline)
    _gather(program, early)
    _deliveries(program)
    return program


def _skip_unmatched(program: Program, scope: Scope) -> None:
    """Skip also the records for which an inner join finds no row."""
    found, leaf = inner_condition(program.outline, scope, None, program.outline.items)
    if found is None or leaf is None:
        return
    missing = Node(Op.NOT, (found,), type=BOOLEAN)
    if program.skip_when is None:
        told = Leaf(f"not ({leaf.text})", leaf.mark)
        program.context = replace(program.context, skip_when=told)
        program.skip_when = missing
    else:
        program.skip_when = Node(Op.OR, (program.skip_when, missing), type=BOOLEAN)


def _check_only(outline: Outline, name: str) -> None:
    before = set(outline.var_slots)
    outline.var_type(name)
    for added in set(outline.var_slots) - before:
        slot = outline.var_slots.pop(added)
        _forget(outline, slot)


def _forget(outline: Outline, slot: Slot) -> None:
    outline.slots.pop(slot.number, None)
    for below in (*slot.items, *slot.members.values()):
        _forget(outline, below)


def input_types(context: Context) -> dict[str, Type]:
    """Return the types of the declared inputs."""
    return {name: _input_type(spec) for name, spec in context.inputs.items()}


def _input_type(spec: InputSpec) -> Type:
    null = not spec.required and spec.default is None
    return Type(field_kind(spec.type), null=null)


def record_scope(context: Context, known: Known) -> Scope:
    """Return the scope of expressions about a record."""
    source, group = context.source, context.group
    if source.records is not None:
        lines = LinesShape(source, tuple(root_types(source.records)))
        record = Binding(0, Role.RECORD, Type(Kind.OBJECT, shape=lines))
    elif source.tabular:
        shape = row_shape(source, known.header)
        if group is not None:
            rows = Binding(0, Role.LINES, Type(Kind.LIST, shape=shape, row=True))
            head = Binding(1, Role.HEADER, Type(Kind.OBJECT, shape=shape, row=True))
            return Scope({group.header: head, group.lines: rows}, (), head)
        record = Binding(0, Role.RECORD, Type(Kind.OBJECT, shape=shape, row=True))
    elif known.grammar is not None:
        segment = SegmentShape(known.grammar, "")
        record = Binding(0, Role.RECORD, Type(Kind.OBJECT, shape=segment))
    elif source.format == "xml":
        record = Binding(0, Role.RECORD, Type(Kind.OBJECT, shape=ElementShape(known.keys)))
    else:
        members = RecordShape(source.fields or {}, known.keys, bool(source.nulls))
        record = Binding(0, Role.RECORD, Type(Kind.OBJECT, shape=members))
    return Scope({}, (record,), record)


def _gather(program: Program, early: Sequence[Slot]) -> None:
    """Collect what every expression reads, and which columns feed which slots."""
    outline = program.outline
    roots: dict[int, Place] = {0: (), 1: ()}
    for slot in outline.slots.values():
        program.reads[slot.number] = reads_of(slot.root, slot.when)
        program.reads[WHERE + slot.number] = reads_of(slot.where)
        for node in (slot.root, slot.where, slot.when):
            mark_needs(node)
        if slot.binding is not None:
            roots[slot.binding.number] = (*slot.scope.place, ("each", slot.number))
    program.roots = roots
    program.reads[SKIP] = reads_of(program.skip_when)
    for number, nodes in enumerate(program.checks):
        program.reads[CHECKS - number] = reads_of(*nodes)
        for node in nodes:
            mark_needs(node)
    _uses(program)
    _vars(program, early)
    program.columns = frozenset(
        use.name for reads in program.reads.values() for use in reads.fields
    )


def _uses(program: Program) -> None:
    for slot in program.outline.slots.values():
        if not slot.target:
            continue
        place = slot.scope.place
        _use_all(program, slot.number, place)
        if slot.where is not None:
            inside = (*place, ("each", slot.number), ("where", slot.number))
            _use_all(program, WHERE + slot.number, inside)
    for number, _ in enumerate(program.checks):
        _use_all(program, CHECKS - number, ())


def _use_all(program: Program, number: int, place: Place) -> None:
    for use in program.reads[number].fields:
        if use.binding is not None:
            _use(program, use.binding, use.name, place, number)


def _use(program: Program, binding: Binding, name: str, place: Place, number: int) -> None:
    known = program.uses.setdefault((binding.number, name), Use(binding, name))
    known.places.append(place)
    if number not in known.slots:
        known.slots.append(number)


def hoist_places(root: Place, places: Sequence[Place]) -> list[Place]:
    """Return the blocks in which a column is converted: each the innermost around its readers.

    Never inside a further `each`, where it would be converted again and again; before `where`
    when that reads it; in several conditions that exclude nothing of each other, once in each.
    """
    own = len(root)
    cut = [place[: _first_each(place, own)] for place in places]
    where = next((p for p in cut if len(p) > own and p[own][0] == "where"), None)
    if where is not None:
        return [where[: own + 1]]
    if any(len(place) == own for place in cut):
        return [root]
    inner = dict.fromkeys(place[: own + 1] for place in cut)
    return [
        found
        for block in inner
        for found in hoist_places(block, [p for p in cut if p[: own + 1] == block])
    ]


def _first_each(place: Place, start: int) -> int:
    return next((n for n in range(start, len(place)) if place[n][0] == "each"), len(place))


def _vars(program: Program, early: Sequence[Slot]) -> None:
    """Order the vars, and find what each of them feeds."""
    outline = program.outline
    slots = outline.var_slots
    program.deep_vars = frozenset(n for n, slot in slots.items() if not isinstance(slot.node, Leaf))
    needs = {name: _var_reads(program, slot) for name, slot in slots.items()}
    done = [slots[name] for name in _ordered(needs)]
    first = set(map(id, early))
    program.early_vars = [slot for slot in done if id(slot) in first]
    program.late_vars = [slot for slot in done if id(slot) not in first]
    feeds: dict[str, list[int]] = {name: [] for name in slots}
    for number, reads in program.reads.items():
        slot = outline.slots.get(number % WHERE if number >= 0 else number)
        if slot is None or slot.target:
            for name in _reached(reads.vars, needs):
                feeds[name].append(number)
    for name, slot in slots.items():
        for below in _below(slot):
            program.var_targets[below.number] = tuple(feeds[name])


def _ordered(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the vars, each after those that it reads."""
    done: dict[str, None] = {}

    def visit(name: str, above: frozenset[str] = frozenset()) -> None:
        for below in needs[name]:
            if below in needs and below not in done and below not in above:
                visit(below, above | {name})
        done[name] = None

    for name in needs:
        visit(name)
    return list(done)


def _below(slot: Slot) -> Iterator[Slot]:
    yield slot
    for child in (*slot.items, *slot.members.values()):
        yield from _below(child)


def _var_reads(program: Program, slot: Slot) -> list[str]:
    numbers = [n for below in _below(slot) for n in (below.number, WHERE + below.number)]
    return [name for number in numbers for name in program.reads[number].vars]


def _reached(names: Sequence[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in needs and name not in found:
            found.add(name)
            left += needs[name]
    return found


def _deliveries(program: Program) -> None:
    """Type the keys of deliveries: expressions over `out`, each document as it is written."""
    outline, outputs = program.outline, outputs_of(filled(program.outline.root))
    for deliver in program.context.deliver:
        body = outputs[deliver.output]
        while isinstance(body.node, EachNode | WhenNode) and body.items:
            body = body.body
        of = body.type if body.type.kind is Kind.OBJECT else Type(Kind.OBJECT, shape=DictShape({}))
        binding = Binding(0, Role.DOCUMENT, replace(of, null=False, absent=False))
        only = Scope({"out": binding}, (), binding, built=False)
        key = outline.expression(deliver.key, only) if deliver.key is not None else None
        program.deliver.append(key)


def outputs_of(root: Slot) -> Sequence[Slot]:
    """Return the slots that give documents: one, or that of each output."""
    return list(root.members.values()) if root.outputs else [root]
