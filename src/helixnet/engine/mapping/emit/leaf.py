"""One leaf to lines: compute, convert to the target's type, accept or doubt, write as JSON text."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from helixnet.engine.mapping import runtime
from helixnet.engine.mapping.emit.emitter import Emitter
from helixnet.engine.mapping.emit.slot_frame import Frame
from helixnet.engine.mapping.emit.writer import Piece, text_code
from helixnet.engine.mapping.filled import filled
from helixnet.engine.mapping.ir import Node, Op, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.presence import always, required
from helixnet.engine.mapping.slots import Slot
from helixnet.engine.mapping.targets import allows_null, wanted_types, written_type
from helixnet.engine.output import json_string, json_text
from helixnet.engine.validation.accept import accept_expression
from helixnet.engine.values.absent import ABSENT
from helixnet.engine.values.convert import as_boolean, as_decimal, as_integer, as_text
from helixnet.engine.values.dates import date_text, day_text
from helixnet.engine.values.numbers import number_text

PLAIN_SCALE: Final = 6
"""Up to this scale ``str`` of a Decimal has no exponent."""

_TEXT: Final = frozenset({"string"})
_USUAL: Final[dict[frozenset[str], tuple[Kind, tuple[type, ...]]]] = {
    _TEXT: (Kind.TEXT, (str,)),
    frozenset({"number"}): (Kind.DECIMAL, (Decimal, int)),
    frozenset({"integer"}): (Kind.INTEGER, (int,)),
}
"""What a value is as a rule where the target takes these types: kind, and Python's types."""

_CONVERT: Final = {
    Kind.TEXT: as_text,
    Kind.DECIMAL: as_decimal,
    Kind.INTEGER: as_integer,
    Kind.BOOLEAN: as_boolean,
}


def emit_leaf(frame: Frame, slot: Slot) -> None:
    """Write the lines that compute a leaf; note the pieces of its text in the frame."""
    root = filled(slot.root)
    if not slot.target:
        _value_only(frame, slot, root)
        return
    emitter, writer = frame.emitter, frame.writer
    emitter.risky = False
    code = emitter.code(root)
    inline = _inline(frame, slot, root, code)
    if inline is not None:
        frame.pieces[slot.number] = inline
        return
    start = len(writer.lines)
    with writer.block("try:"):
        _lines(frame, slot, root, code)
    if slot.number not in frame.pieces:
        text = [Piece(f"t{slot.number}", code=True)]
        frame.pieces[slot.number] = frame.dressed(slot, text) if always(slot) else text
    if not emitter.risky:
        frame.dedent(start)
        return
    with writer.block("except Exception as e:"):
        writer.line(f"t{slot.number} = {emitter.constant('null' if always(slot) else '')}")
        writer.line(f"v{slot.number} = {emitter.constant(runtime.BAD)}")
        frame.fail(slot)


def _inline(frame: Frame, slot: Slot, root: Node, code: str) -> list[Piece] | None:
    """Return the text of a leaf that needs no line of its own."""
    if frame.emitter.risky or slot.need.any or not root.type.sure:
        return None
    if slot.view is not None or root.type.kind is not Kind.TEXT or ":=" in code:
        return None
    return frame.dressed(slot, [Piece(f"{frame.emitter.constant(json_string)}({code})", code=True)])


def _value_only(frame: Frame, slot: Slot, root: Node) -> None:
    emitter, writer = frame.emitter, frame.writer
    emitter.risky = False
    code = emitter.code(root)
    if not emitter.risky:
        writer.line(f"v{slot.number} = {code}")
        return
    with writer.block("try:"):
        writer.line(f"v{slot.number} = {code}")
    with writer.block("except Exception as e:"):
        writer.line(f"v{slot.number} = {emitter.constant(runtime.BAD)}")
        frame.fail(slot)


def _lines(frame: Frame, slot: Slot, root: Node, code: str) -> None:
    writer, of, value = frame.writer, root.type, f"v{slot.number}"
    writer.line(f"{value} = {code}")
    unknown = of.kind is Kind.ANY
    tests = [f"{value} is None"] if of.null or unknown else []
    if of.absent or unknown:
        tests.append(f"{value} is {frame.emitter.constant(ABSENT)}")
    if of.kind is Kind.NULL:
        _nothing(frame, slot, of)
        return
    if not tests:
        _something(frame, slot, root)
        return
    with writer.block(f"if {' or '.join(tests)}:"):
        _nothing(frame, slot, of)
    with writer.block("else:"):
        _something(frame, slot, root)


def _nothing(frame: Frame, slot: Slot, of: Type) -> None:
    """Write null where it may stand, else leave the leaf out."""
    writer, emitter, number = frame.writer, frame.emitter, slot.number
    null = text_code(frame.own(slot, [Piece("null")]), frame.emitter.constants)
    written = slot.item or allows_null(slot.view)
    if written and (of.null or of.kind is Kind.ANY):
        writer.line(f"t{number} = {null}")
        if not allows_null(slot.view):
            frame.doubt()
        if not of.absent and of.kind is not Kind.ANY:
            return
        writer = frame.writer
        with writer.block(f"if v{number} is {emitter.constant(ABSENT)}:"):
            _left_out(frame, slot)
        return
    _left_out(frame, slot)


def _left_out(frame: Frame, slot: Slot) -> None:
    frame.writer.line(f"t{slot.number} = {frame.emitter.constant('')}")
    frame.writer.line(f"v{slot.number} = {frame.emitter.constant(ABSENT)}")
    if required(slot):
        frame.doubt()


def _something(frame: Frame, slot: Slot, root: Node) -> None:
    """Write a value that is there; one of unknown kind is asked for the usual kinds first."""
    if root.type.kind is not Kind.ANY:
        _known(frame, slot, root)
        return
    types = wanted_types(slot.view)
    usual = _USUAL.get(_TEXT if types is None else types)
    if usual is None:
        _known(frame, slot, root)
        return
    value, tests = f"v{slot.number}", [frame.emitter.constants.add(each) for each in usual[1]]
    is_usual = " or ".join(f"type({value}) is {test}" for test in tests)
    with frame.writer.block(f"if {is_usual}:"):
        _known(frame, slot, replace(root, type=Type(usual[0])))
    with frame.writer.block("else:"):
        _known(frame, slot, root)


def _known(frame: Frame, slot: Slot, root: Node) -> None:
    writer, emitter, value = frame.writer, frame.emitter, f"v{slot.number}"
    kind = root.type.kind
    written = filled(written_type(root.type, slot.view))
    if written.kind is not kind:
        writer.line(f"{value} = {emitter.call(_CONVERT[written.kind], value)}")
    types = wanted_types(slot.view)
    if kind is Kind.ANY and types is not None:
        writer.line(f"{value} = {emitter.call(runtime.fit, value, emitter.constant(types))}")
    if slot.view is not None:
        test = accept_expression(slot.view, written.kind, value, emitter.constants)
        if test is None:
            frame.doubt()
        else:
            bad = f" and {value} is not {emitter.constant(runtime.BAD)}" if emitter.risky else ""
            with writer.block(f"if not {test}{bad}:"):
                frame.doubt()
    _text(frame, slot, root, written)
    if slot.need.any and written.kind in (Kind.DATE, Kind.DATETIME, Kind.ANY):
        writer.line(f"{value} = {emitter.call(runtime.jsonable, value)}")


def _text(frame: Frame, slot: Slot, root: Node, written: Type) -> None:
    """Note the pieces of a leaf that is always there; else write its text with key and comma."""
    number, emitter = slot.number, frame.emitter
    pieces, late = _pieces(frame, f"v{number}", root, written)
    if always(slot) and late and filled(slot.root).type.sure:
        frame.pieces[number] = frame.dressed(slot, pieces)
        return
    text = text_code(frame.own(slot, pieces), emitter.constants)
    frame.writer.line(f"t{number} = {text}")


def _pieces(frame: Frame, value: str, root: Node, written: Type) -> tuple[list[Piece], bool]:
    """Return the text of a value, and whether it can't fail, so that it may be formatted late."""
    emitter = frame.emitter
    match written.kind:
        case Kind.TEXT:
            return [Piece(f"{emitter.constant(json_string)}({value})", code=True)], False
        case Kind.BOOLEAN:
            true, false = emitter.constant("true"), emitter.constant("false")
            return [Piece(f"{true} if {value} else {false}", code=True)], True
        case Kind.DATE:
            return [Piece('"'), Piece(emitter.call(day_text, value), code=True), Piece('"')], False
        case Kind.DATETIME:
            return [
                Piece('"'),
                Piece(emitter.call(date_text, value), code=True),
                Piece('"'),
            ], False
        case Kind.INTEGER if root.op is Op.FIELD and root.type.kind is Kind.INTEGER:
            return [Piece(value, code=True)], True
        case Kind.DECIMAL if written.scale is not None and written.scale <= PLAIN_SCALE:
            return [Piece(f"{value}!s", code=True)], True
        case Kind.DECIMAL | Kind.INTEGER:
            text = (_decimal if written.kind is Kind.DECIMAL else _integer)(emitter, value)
            return [Piece(text, code=True)], False
        case _:
            return [Piece(emitter.call(json_text, value), code=True)], False


def _integer(emitter: Emitter, value: str) -> str:
    return emitter.call(number_text, value)


def _decimal(emitter: Emitter, value: str) -> str:
    """Return the text of a number: that of Python, unless it has an exponent or a minus."""
    temp, text = emitter.temp(), emitter.constants.add(str)
    exponent, minus = emitter.constant("E"), emitter.constant("-")
    usual = f"{exponent} not in ({temp} := {text}({value})) and {temp}[0] != {minus}"
    return f"({temp} if {usual} else {emitter.call(number_text, value)})"
