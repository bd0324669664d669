"""The frame of generation: variables, affixes and pieces that the parts of the generator share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from helixnet.engine.mapping.emit.emitter import Emitter
from helixnet.engine.mapping.emit.writer import Piece, Writer
from helixnet.engine.mapping.presence import always
from helixnet.engine.mapping.reads import Place, Reads, Use
from helixnet.engine.mapping.runtime import BAD
from helixnet.engine.mapping.settle import convert_columns, fail, fail_column
from helixnet.engine.mapping.slots import Slot

Probe: TypeAlias = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Frame:
    """What is known while one function is written.

    Args:
        reads: by slot number, what its expressions read.
        hoists: columns converted at the beginning of a block.
        pieces: JSON text of slots already written, with key and commas.
        affixes: what stands before and after a slot's text within its object.
        asks: set when no predicate can decide: the authority sees every document.
        kept: by column, the variable in which a var has left it converted, and the var's own.
        deep_vars: names of vars that are no single expression.
        probes: what is called with all variables before a slot is computed, by its number.
    """

    emitter: Emitter
    writer: Writer
    reads: dict[int, Reads]
    hoists: dict[Place, list[tuple[int, Use]]]
    deep_vars: frozenset[str]
    single_segments: bool
    pieces: dict[int, list[Piece]] = field(default_factory=dict[int, list[Piece]])
    kept: dict[tuple[int, str], tuple[str, str]] = field(
        default_factory=dict[tuple[int, str], tuple[str, str]]
    )
    affixes: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    asks: bool = False
    probes: Mapping[int, Probe] = field(default_factory=dict[int, Probe])

    def doubt(self) -> None:
        """Write the line that sends the document to the authority."""
        self.writer.line("doubt = True")

    def dedent(self, start: int) -> None:
        """Take lines since ``start`` out of a `try` that they do not need."""
        lines = self.writer.lines
        lines[start:] = [line[4:] for line in lines[start + 1 :]]

    def dressed(self, slot: Slot, pieces: Sequence[Piece]) -> list[Piece]:
        """Return a slot's text with its key and commas."""
        before, after = self.affixes.get(slot.number, ("", ""))
        return [Piece(before), *pieces, Piece(after)]

    def own(self, slot: Slot, pieces: Sequence[Piece]) -> list[Piece]:
        """Return the text that a slot's variable holds: an optional one brings key and comma."""
        return list(pieces) if always(slot) else self.dressed(slot, pieces)

    def indexes(self, slot: Slot) -> str:
        """Return the code of the list indexes of a slot's pointer: (slot, index, …)."""
        steps = [f"{step}, len(t{step}), " for step in slot.pointer if isinstance(step, int)]
        return f"({''.join(steps)})" if slot.target else "()"

    def fail(self, slot: Slot) -> None:
        """Write the line that notes a fault, unless a fault before it is the cause."""
        item = self.emitter.binding(slot.scope.here)
        self.writer.line(self.note(slot.number, self.indexes(slot), item))

    def note(self, number: int, indexes: str, item: str) -> str:
        """Return the line that notes a fault of rule ``number``."""
        reads = self.reads.get(number, Reads())
        hoisted = self.emitter.hoisted
        known = [
            hoisted[key]
            for use in reads.fields
            if use.binding is not None and (key := (use.binding.number, use.name)) in hoisted
        ]
        known = [name for name in known if name not in self.emitter.safe]
        known += [self.emitter.var_names[name] for name in reads.vars]
        call = self.emitter.constants.add(fail)
        causes = f"({''.join(f'{name}, ' for name in dict.fromkeys(known))})"
        line = f"{call}(notes, {number}, e, {indexes}, {item}, {causes})"
        deep = reads.slots or any(name in self.deep_vars for name in reads.vars)
        return f"if not notes: {line}" if deep else line

    def hoist(self, place: Place, indexes: str, item: str) -> None:
        """Write the conversions of the columns that a block reads."""
        left: list[_Conversion] = []
        for number, use in self.hoists.get(place, ()):
            key = (use.binding.number, use.name)
            variable = self.emitter.hoisted[key]
            row = self.emitter.binding(use.binding)
            self.emitter.risky = False
            code = self.emitter.cell(use.name, row)
            if not self.emitter.risky:
                self.emitter.safe.add(variable)
                self.writer.line(f"{variable} = {code}")
                continue
            if left and (key in self.kept or left[0].row != row):
                left = self._convert(left, f"{indexes}, {item}")
            left.append(_Conversion(number, use.name, row, variable, code))
            if key in self.kept:
                with self.writer.block(f"if {self.kept[key][1]} is {self.emitter.constant(BAD)}:"):
                    left = self._convert(left, f"{indexes}, {item}")
        if left:
            self._convert(left, f"{indexes}, {item}")

    def _convert(self, left: Sequence["_Conversion"], place: str) -> list["_Conversion"]:
        """Write conversions of one row in one `try`; if one fails, they are done one by one."""
        add = self.emitter.constants.add
        with self.writer.block("try:"):
            for each in left:
                self.writer.line(f"{each.variable} = {each.code}")
        if len(left) == 1:
            with self.writer.block("except Exception as e:"):
                self.writer.line(f"{left[0].variable} = {add(BAD)}")
                self.writer.line(f"{add(fail_column)}(notes, {left[0].number}, e, {place})")
            return []
        with self.writer.block("except Exception:"):
            columns = [(each.number, *self.emitter.columns.read(each.name)) for each in left]
            names = ", ".join(each.variable for each in left)
            call = f"{add(convert_columns)}(notes, {left[0].row}, {add(columns)}, {place})"
            self.writer.line(f"{names} = {call}")
        return []


@dataclass(frozen=True, slots=True)
class _Conversion:
    """A column of a row that is converted into a variable, and the number of its rule."""

    number: int
    name: str
    row: str
    variable: str
    code: str
