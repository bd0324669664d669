"""Objects, lists and conditions to lines; the order is that of the regions, the text the map's."""

from helixnet.engine.context.model import ArrayNode, Const, EachNode, Leaf, ObjectNode, WhenNode
from helixnet.engine.mapping import runtime
from helixnet.engine.mapping.constants import Constants
from helixnet.engine.mapping.emit.leaf import emit_leaf
from helixnet.engine.mapping.emit.slot_frame import Frame
from helixnet.engine.mapping.emit.writer import Piece, text_code
from helixnet.engine.mapping.filled import filled
from helixnet.engine.mapping.infer.leafing import value_type
from helixnet.engine.mapping.ir import Node
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.presence import always, required
from helixnet.engine.mapping.program import WHERE
from helixnet.engine.mapping.slots import Region, Slot
from helixnet.engine.mapping.targets import allows_null
from helixnet.engine.output import json_text
from helixnet.engine.validation.accept import accept_expression
from helixnet.engine.values.absent import ABSENT


def emit_region(frame: Frame, region: Region) -> None:
    """Write the slots of a region in the order in which they can be computed."""
    for slot in region.order:
        emit_slot(frame, slot)


def emit_slot(frame: Frame, slot: Slot) -> None:
    """Write the lines of one slot."""
    probe = frame.probes.get(slot.number)
    if probe is not None:
        frame.writer.line(f"{frame.emitter.constants.add(probe)}(locals())")
    match slot.node:
        case Leaf():
            emit_leaf(frame, slot)
        case Const():
            _const(frame, slot, slot.node)
        case ObjectNode():
            _object(frame, slot)
        case ArrayNode():
            _array(frame, slot)
        case EachNode():
            _guarded_each(frame, slot)
        case WhenNode():
            _when(frame, slot)


def value_of(slot: Slot) -> str:
    """Return the variable of a slot's value."""
    while isinstance(slot.node, WhenNode):
        slot = slot.body
    return f"v{slot.number}"


def _const(frame: Frame, slot: Slot, node: Const) -> None:
    number, emitter = slot.number, frame.emitter
    written = always(slot)
    if slot.need.any or not slot.target:
        value = node.value if written or not slot.target else ABSENT
        frame.writer.line(f"v{number} = {emitter.constant(value)}")
    if not slot.target:
        return
    frame.pieces[number] = frame.dressed(slot, [Piece(json_text(node.value))]) if written else []
    if not written:
        if required(slot):
            frame.doubt()
        return
    if slot.view is not None and not const_accepted(slot, node):
        frame.doubt()


def const_accepted(slot: Slot, node: Const) -> bool:
    """Decide a literal when compiling, by the same predicate that a computed value meets."""
    if node.value is None:
        return allows_null(slot.view) and slot.view is not None and slot.view.simple
    constants = Constants()
    kind = value_type(node.value).kind
    if kind in (Kind.LIST, Kind.OBJECT):
        return False
    test = accept_expression(filled(slot.view), kind, "v", constants)
    return test is not None and bool(eval(test, {**constants.values, "v": node.value}))  # noqa: S307 - code of our own generator


def _object(frame: Frame, slot: Slot) -> None:
    emitter = frame.emitter
    if slot.need.any or not slot.target:
        wanted = [
            name
            for name in slot.members
            if slot.need.whole or not slot.target or name in slot.need.members
        ]
        pairs = [f"{emitter.constant(n)}: {value_of(slot.members[n])}" for n in wanted]
        text = f"{{{', '.join(pairs)}}}"
        if any(_may_be_absent(slot.members[name]) for name in wanted):
            text = f"{emitter.constants.add(runtime.solid)}({text})"
        frame.writer.line(f"v{slot.number} = {text}")
    if not slot.target or slot.outputs:
        return
    _ask_container(frame, slot, Kind.OBJECT, "")
    inner = [piece for child in slot.members.values() for piece in frame.pieces[child.number]]
    if slot.members and not any(always(child) for child in slot.members.values()):
        frame.writer.line(f"t{slot.number} = {text_code(inner, emitter.constants)}")
        inner = [Piece(f"t{slot.number}[1:]", code=True)]
    body = [Piece("{"), *inner, Piece("}")]
    frame.pieces[slot.number] = frame.dressed(slot, body)


def _may_be_absent(slot: Slot) -> bool:
    return slot.type.absent or (slot.target and not always(slot))


def _ask_container(frame: Frame, slot: Slot, kind: Kind, variable: str) -> None:
    """Have the bounds of a list checked, and all else that no predicate decides asked."""
    if slot.view is None:
        return
    test = accept_expression(slot.view, kind, variable or "t", frame.emitter.constants)
    if test is None:
        frame.asks = True
    elif variable and "len(" in test:
        with frame.writer.block(f"if not {test}:"):
            frame.doubt()


def _array(frame: Frame, slot: Slot) -> None:
    writer, number = frame.writer, slot.number
    writer.line(f"t{number} = []")
    writer.line(f"v{number} = []")
    own = set(map(id, slot.items))
    for unit in filled(slot.inner).order:
        emit_slot(frame, unit)
        if id(unit) in own and not isinstance(unit.node, EachNode):
            _append(frame, slot, unit)
    if slot.target:
        _ask_container(frame, slot, Kind.LIST, f"t{number}")
        _list_pieces(frame, slot)


def _append(frame: Frame, slot: Slot, unit: Slot) -> None:
    """Add an item's text, and its value where one is read; an absent item drops out."""
    writer, number = frame.writer, slot.number
    absent = frame.emitter.constant(ABSENT)
    valued = slot.need.any or not slot.target
    value = value_of(unit)
    if not slot.target:
        with writer.block(f"if {value} is not {absent}:"):
            writer.line(f"v{number}.append({value})")
        return
    text = text_code(frame.pieces[unit.number], frame.emitter.constants)
    if always(unit):
        writer.line(f"t{number}.append({text})")
        if valued:
            writer.line(f"v{number}.append({value})")
        return
    with writer.block(f"if {text}:"):
        writer.line(f"t{number}.append({text})")
        if valued:
            writer.line(f"v{number}.append({value})")


def _list_pieces(frame: Frame, slot: Slot) -> None:
    comma = frame.emitter.constants.add(",".join)
    body = [Piece("["), Piece(f"{comma}(t{slot.number})", code=True), Piece("]")]
    frame.pieces[slot.number] = frame.dressed(slot, body)


def _when(frame: Frame, slot: Slot) -> None:
    writer, emitter, number = frame.writer, frame.emitter, slot.number
    emitter.risky = False
    _test(frame, slot, f"c{number}", filled(slot.root))
    with writer.block(f"if c{number}:"):
        _place_hoist(frame, slot)
        emit_region(frame, filled(slot.inner))
        if slot.target:
            text = text_code(frame.pieces[slot.body.number], emitter.constants)
            writer.line(f"t{number} = {text}")
    with writer.block("else:"):
        _skipped(frame, slot)
        if slot.target:
            writer.line(f"t{number} = {emitter.constant('')}")
            if required(slot):
                frame.doubt()
    frame.pieces[number] = [Piece(f"t{number}", code=True)]


def _skipped(frame: Frame, slot: Slot) -> None:
    """Make everything absent that a condition left out and that something else reads."""
    for below in (*slot.items, *slot.members.values()):
        if below.need.any or not below.target:
            frame.writer.line(f"v{below.number} = {frame.emitter.constant(ABSENT)}")
        if not isinstance(below.node, EachNode | ArrayNode):
            _skipped(frame, below)


def _test(frame: Frame, slot: Slot, variable: str, condition: Node) -> None:
    """Write the evaluation of a condition; a fault counts as false, the record is lost anyway."""
    code = frame.emitter.condition(condition)
    with frame.writer.block("try:"):
        frame.writer.line(f"{variable} = {code}")
    with frame.writer.block("except Exception as e:"):
        frame.writer.line(f"{variable} = False")
        frame.fail(slot)


def _place_hoist(frame: Frame, slot: Slot) -> None:
    place = (*slot.scope.place, ("when", slot.number))
    frame.hoist(place, frame.indexes(slot), frame.emitter.binding(slot.scope.here))


def _guarded_each(frame: Frame, slot: Slot) -> None:
    number = slot.number
    if slot.when is None:
        _each(frame, slot)
        if not slot.spliced and slot.target and not slot.documents:
            _list_pieces(frame, slot)
        return
    _test(frame, slot, f"c{number}", slot.when)
    with frame.writer.block(f"if c{number}:"):
        _each(frame, slot)
        if slot.target and not slot.spliced and not slot.documents:
            _list_pieces(frame, slot)
            text = text_code(frame.pieces[number], frame.emitter.constants)
            frame.writer.line(f"t{number}x = {text}")
    with frame.writer.block("else:"):
        if slot.documents:
            frame.writer.line(f"t{number} = []")
        elif not slot.spliced:
            frame.writer.line(f"t{number}x = {frame.emitter.constant('')}")
        frame.writer.line(f"v{number} = {frame.emitter.constant(ABSENT)}")
        if required(slot):
            frame.doubt()
    frame.pieces[number] = [Piece(f"t{number}x", code=True)]


def _each(frame: Frame, slot: Slot) -> None:
    writer, emitter = frame.writer, frame.emitter
    number, binding = slot.number, filled(slot.binding).number
    into = slot.parent if slot.spliced and slot.parent is not None else slot
    if into is slot:
        writer.line(f"t{number} = []")
        writer.line(f"v{number} = []")
    source = _rationed(frame, slot)
    with writer.block("try:"):
        writer.line(f"s{binding} = {source}")
    with writer.block("except Exception as e:"):
        writer.line(f"s{binding} = ()")
        frame.fail(slot)
    writer.line(f"k{binding} = len({'t' if slot.target else 'v'}{into.number}) - 1")
    counted = "t" if slot.target else "v"
    emitter.list_slots[binding] = f"(len({counted}{into.number}) - k{binding})"
    item = emitter.binding(filled(slot.binding))
    with writer.block(f"for p{binding}, {item} in enumerate(s{binding}, 1):"):
        place = (*slot.scope.place, ("each", number))
        indexes = frame.indexes(slot.body)
        frame.hoist((*place, ("where", number)), indexes, item)
        if slot.where is not None:
            _where(frame, slot, item)
        frame.hoist(place, indexes, item)
        emit_region(frame, filled(slot.inner))
        _append_item(frame, into, slot)
    if into is slot and slot.target and not slot.documents:
        _ask_container(frame, slot, Kind.LIST, f"t{number}")


def _rationed(frame: Frame, slot: Slot) -> str:
    """Return the code of the items; those of an inner `each` count, for they may multiply."""
    source = _source(frame, slot)
    outer = next((number for block, number in slot.scope.place if block == "each"), None)
    if outer is not None:
        return frame.emitter.call(runtime.rationed, source, f"w{outer}")
    frame.writer.line(f"w{slot.number} = [{frame.emitter.constant(runtime.MAX_TURNS)}]")
    return source


def _append_item(frame: Frame, into: Slot, slot: Slot) -> None:
    if slot.target:
        item = f"b{filled(slot.binding).number}"
        call = f"trail.append(({into.number}, {frame.indexes(slot.body)}, {item}))"
        frame.writer.line(f"if trail is not None: {call}")
    _append(frame, into, slot.body)


def _source(frame: Frame, slot: Slot) -> str:
    root = filled(slot.root)
    code, of = frame.emitter.code(root), root.type
    if of.kind is Kind.LIST:
        return code if of.sure else f"({code} or ())"
    single = runtime.nodes_of if frame.single_segments else runtime.items_of
    return frame.emitter.call(single, code)


def _where(frame: Frame, slot: Slot, item: str) -> None:
    code = frame.emitter.condition(filled(slot.where))
    with frame.writer.block("try:"), frame.writer.block(f"if not {code}:"):
        frame.writer.line("continue")
    with frame.writer.block("except Exception as e:"):
        frame.writer.line(frame.note(WHERE + slot.number, frame.indexes(slot), item))
        frame.writer.line("continue")
