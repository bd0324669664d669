"""The whole map of a context as one generated Python function for files of one header."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from helixnet.engine.context.model import (
    Context,
    EachNode,
    Field,
    Leaf,
    Mark,
    Source,
    WhenNode,
)
from helixnet.engine.mapping import settle
from helixnet.engine.mapping.constants import Constants
from helixnet.engine.mapping.emit.emitter import Columns, Emitter, Told
from helixnet.engine.mapping.emit.expressions import printed, write_node
from helixnet.engine.mapping.emit.slot_frame import Frame, Probe
from helixnet.engine.mapping.emit.slots import emit_region, value_of
from helixnet.engine.mapping.emit.writer import Writer, text_code
from helixnet.engine.mapping.fields import (
    field_converter,
    missing_column,
    nullable_converter,
    nulls_of,
    required_converter,
)
from helixnet.engine.mapping.filled import filled
from helixnet.engine.mapping.given import Texts
from helixnet.engine.mapping.ir import Node
from helixnet.engine.mapping.line_shape import (
    check_required_lines,
    line_readers,
    required_fields,
)
from helixnet.engine.mapping.presence import affixes_of, always
from helixnet.engine.mapping.program import (
    CHECKS,
    SKIP,
    WHERE,
    Program,
    hoist_places,
    outputs_of,
)
from helixnet.engine.mapping.reads import Reads, surely_read
from helixnet.engine.mapping.record_fields import member_reader
from helixnet.engine.mapping.rules import Column, Rule, Rules
from helixnet.engine.mapping.slots import Slot, pointer_text
from helixnet.engine.outcome import RulePosition

One: TypeAlias = Callable[..., Texts | None]

HEAD: Final = "def one(r, number, batch, index, notes, trail):"
COLUMNS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Generated:
    """A generated function and its tables.

    Args:
        one: ``one(record, number, batch, index, notes, trail)`` returns the document's text, a list
            of texts where the map is an `each`, a tuple of such with several outputs, None for a
            skipped record.
        rules: for explaining notes.
        asks: every document must be seen by the authority.
        source: the generated text, for the curious.
    """

    one: One
    rules: Rules
    asks: bool
    source: str


def columns_of(context: Context, header: Sequence[str], names: frozenset[str]) -> Columns:
    """Return how the columns ``names`` of a file with this header are read."""
    source = context.source
    if not source.tabular or source.records is not None:
        return _members_of(source, names)
    positions = {name: number for number, name in reversed(list(enumerate(header)))}
    converters: dict[str, Callable[[Any], object]] = {}
    guarded: dict[str, frozenset[str]] = {}
    for name in names:
        declared = (source.fields or {}).get(name) or Field(name, Mark("", 0, 0))
        convert = field_converter(declared, source)
        if name not in positions:
            convert = missing_column(name)
        elif declared.required:
            convert = required_converter(convert, nulls_of(declared, source, ""), name)
        elif nulls := nulls_of(declared, source):
            guarded[name] = nulls
        if convert is not None:
            converters[name] = convert
    return Columns(positions, converters, guarded)


def generate(
    program: Program, header: Sequence[str], file: str, told: Mapping[int, Told] | None = None
) -> Generated:
    """Write and compile the function for one kind of file.

    Args:
        program: everything typed.
        header: columns of the file; empty for nested records.
        file: its name.
        told: what is called with the outcome of a condition, by the id of its node; nothing of it
            is in the function unless given.
    """
    return _Generation(program, tuple(header), file, told or {}).run()[0]


def generate_probed(
    program: Program, header: Sequence[str], file: str, probes: Mapping[int, Probe]
) -> tuple[Generated, Frame]:
    """Write the same function with probes in it, for whoever wants to see it at work.

    Args:
        program: everything typed.
        header: columns of the file; empty for nested records.
        file: its name.
        probes: what is called with all variables before a slot is computed, by its number.

    Returns:
        the function, and the frame that it was written with.
    """
    return _Generation(program, tuple(header), file, {}, probes).run()


def _members_of(source: Source, names: frozenset[str]) -> Columns:
    """Return how the members ``names`` of a nested record are read."""
    readers: dict[str, Callable[[object], object]] = {}
    for name in names:
        declared = (source.fields or {}).get(name) or Field(name, Mark("", 0, 0), "any")
        reader = member_reader(declared, source)
        if reader is not None:
            readers[name] = reader
    return Columns({}, readers, {}, keyed=True)


@dataclass(slots=True)
class _Generation:
    program: Program
    header: tuple[str, ...]
    file: str
    told: Mapping[int, Told]
    probes: Mapping[int, Probe] = field(default_factory=dict[int, Probe])
    constants: Constants = field(default_factory=Constants)
    rules: Rules = field(default_factory=Rules)

    def run(self) -> tuple[Generated, Frame]:
        program, context = self.program, self.program.context
        required = [f.name for f in (context.source.fields or {}).values() if f.required]
        same = context.group.same if context.group is not None else ()
        names = program.columns | frozenset(required) | frozenset(same)
        columns = columns_of(context, self.header, names)
        self.rules.positions = dict(columns.positions)
        self.rules.converters = {
            name: nullable_converter(convert, columns.guarded.get(name, frozenset()))
            for name, convert in columns.converters.items()
        }
        emitter = Emitter(
            self.constants,
            columns,
            context.lookups,
            program.inputs,
            self.file,
            write_node,
            told=self.told,
            finders=program.finders,
            readers=line_readers(context.source),
        )
        frame = Frame(
            emitter,
            Writer(),
            program.reads,
            {},
            program.deep_vars,
            single_segments=context.source.nested or context.source.records is not None,
            probes=self.probes,
        )
        frame.affixes = affixes_of(program.outline.slots.values())
        self._prelude(frame, required, same)
        self._hoists(frame)
        frame.hoist((), "()", emitter.binding(program.here))
        self._document(frame)
        lines = [HEAD, *frame.writer.lines]
        source = "\n".join(lines) + "\n"
        space: dict[str, Any] = dict(self.constants.values)
        exec(compile(source, "<helixnet map>", "exec"), space)  # noqa: S102 - identifiers of our own only: see Constants
        self._rules()
        return Generated(cast("One", space["one"]), self.rules, frame.asks, source), frame

    # before the map: the group, what is skipped, the vars

    def _prelude(self, frame: Frame, required: Sequence[str], same: Sequence[str]) -> None:
        program, writer, emitter = self.program, frame.writer, frame.emitter
        writer.line("doubt = False")
        grouped = program.context.group is not None
        if grouped:
            writer.line("h = r[0]")
        for name, slot in program.outline.var_slots.items():
            emitter.var_names[name] = value_of(slot)
        for slot in program.early_vars:
            self._var(frame, slot)
        if program.skip_when is not None:
            self._skip(frame, program.skip_when)
        self._required(frame, required)
        if same:
            self._same(frame, same)
        for slot in program.late_vars:
            self._var(frame, slot)

    def _required(self, frame: Frame, required: Sequence[str]) -> None:
        """Look for required values that the map does not read."""
        program, writer, emitter = self.program, frame.writer, frame.emitter
        known = {use.name for use in program.uses.values()}
        keyed = emitter.columns.keyed
        left = [self._column(name, keyed=keyed) for name in required if name not in known]
        checked = [c for c in left if frame.emitter.columns.converters]
        rows = "r" if program.context.group is not None else "(r,)"
        if checked:
            call = emitter.constants.add(settle.check_required)
            given = f"notes, {rows}, {emitter.constants.add(checked)}, keyed={keyed}"
            writer.line(f"{call}({given})")
        if program.context.source.records is not None:
            self._required_lines(frame)

    def _required_lines(self, frame: Frame) -> None:
        wanted = required_fields(self.program.context.source)
        if not wanted:
            return
        members = [(kind, name) for kind, fields in wanted.items() for name, _ in fields]
        numbers = {member: self._column_rule(member[1], [], of_line=True) for member in members}
        call, fields, rules = map(
            frame.emitter.constants.add, (check_required_lines, wanted, numbers)
        )
        frame.writer.line(f"{call}(notes, r, {fields}, {rules})")

    def _skip(self, frame: Frame, condition: Node) -> None:
        """Leave a record out; a fault here loses it, and the map still tells its other faults."""
        writer, item = frame.writer, frame.emitter.binding(self.program.here)
        code = frame.emitter.condition(condition)
        with writer.block("if not notes:"):  # of a var that failed nothing follows
            with writer.block("try:"), writer.block(f"if {code}:"):
                writer.line("return None")
            with writer.block("except Exception as e:"):
                writer.line(frame.note(SKIP, "()", item))

    def _var(self, frame: Frame, slot: Slot) -> None:
        """Write a var; columns that it is sure to convert are not converted again for the map."""
        emitter, value = frame.emitter, value_of(slot)
        surely = surely_read(slot.root) if isinstance(slot.node, Leaf) else ()
        for key in surely:
            converted = key[1] in emitter.columns.converters
            if converted and key in self.program.uses and key not in frame.kept:
                emitter.keeps[key] = f"{value}_{len(emitter.keeps)}"
                frame.kept[key] = (emitter.keeps[key], value)
        emit_region(frame, slot.region)
        emitter.keeps.clear()

    def _column(
        self, name: str, *, keyed: bool
    ) -> tuple[int, int | str, Callable[[Any], object] | None]:
        key = name if keyed else self.rules.positions.get(name, 0)
        return self._column_rule(name, []), key, self.rules.converters.get(name)

    def _same(self, frame: Frame, same: Sequence[str]) -> None:
        columns: list[tuple[int, int, str]] = []
        for name in same:
            targets = [
                n for use in self.program.uses.values() if use.name == name for n in use.slots
            ]
            number = self._column_rule(name, targets)
            if name in self.rules.positions:
                columns.append((number, self.rules.positions[name], name))
        call = frame.emitter.constants.add(settle.check_same)
        with frame.writer.block("if len(r) > 1:"):
            frame.writer.line(f"{call}(notes, r, {frame.emitter.constants.add(columns)})")

    def _column_rule(self, name: str, targets: Sequence[int], *, of_line: bool = False) -> int:
        number = COLUMNS + len(self.rules.columns)
        self.rules.columns[number] = Column(name, tuple(dict.fromkeys(targets)), of_line)
        return number

    # the map

    def _hoists(self, frame: Frame) -> None:
        """Settle for every converted column in which block it is converted, once."""
        for (binding, name), use in self.program.uses.items():
            if frame.emitter.plain_cell(name):
                continue
            number = self._column_rule(name, use.slots)
            variable, _ = frame.kept.get((binding, name), (f"f{number - COLUMNS}_{binding}", ""))
            frame.emitter.hoisted[(binding, name)] = variable
            for place in hoist_places(self.program.roots[binding], use.places):
                frame.hoists.setdefault(place, []).append((number, use))

    def _document(self, frame: Frame) -> None:
        program, writer = self.program, frame.writer
        root = filled(program.outline.root)
        emit_region(frame, root.region)
        self._checks(frame)
        with writer.block("if doubt:"):
            writer.line(f"notes.append({frame.emitter.constant(settle.DOUBT)})")
        if not root.target:
            writer.line(f"return v{root.number}")
            return
        given = [self._given(frame, output) for output in outputs_of(root)]
        writer.line(f"return ({', '.join(given)},)" if root.outputs else f"return {given[0]}")

    def _given(self, frame: Frame, output: Slot) -> str:
        """Return the code of the text of an output, or of the list of its texts."""
        if output.documents:
            return f"t{output.number}"
        text = text_code(frame.pieces[output.number], self.constants)
        return text if always(output) else f"({text} or [])"

    def _checks(self, frame: Frame) -> None:
        writer, emitter = frame.writer, frame.emitter
        if not self.program.checks:
            return
        item = emitter.binding(self.program.here)
        with writer.block("if not notes:"):
            for number, (that, text) in enumerate(self.program.checks):
                rule = CHECKS - number
                with writer.block("try:"), writer.block(f"if not {emitter.condition(that)}:"):
                    fault = emitter.constants.add(settle.check_failed)
                    words = printed(emitter, text)
                    writer.line(f"{fault}(notes, {rule}, {words}, {item})")
                with writer.block("except Exception as e:"):
                    writer.line(frame.note(rule, "()", item).removeprefix("if not notes: "))

    # the tables for explaining

    def _rules(self) -> None:
        program = self.program
        self.rules.roots = [slot.number for slot in outputs_of(filled(program.outline.root))]
        for slot in program.outline.slots.values():
            pointer = slot.pointer if slot.target else None
            targets = program.var_targets.get(slot.number, ()) if not slot.target else ()
            expression = slot.node.text if isinstance(slot.node, Leaf) else _words(slot)
            self._rule(slot.number, pointer, slot.mark, expression, targets)
            if isinstance(slot.node, EachNode) and slot.node.where is not None:
                where = slot.node.where
                self._rule(WHERE + slot.number, pointer, where.mark, where.text, targets)
            if slot.target:
                self.rules.pointers.setdefault(slot.pointer, slot.number)
        context = program.context
        for declared in (context.source.fields or {}).values():
            if declared.required:
                place = RulePosition(declared.mark.line, f"{declared.name}: required")
                keyed = not context.source.tabular
                name = pointer_text((declared.name,), {}) if keyed else declared.name
                self.rules.required[name] = place
        self._line_rules(context.source)
        if context.skip_when is not None:
            self._rule(SKIP, None, context.skip_when.mark, context.skip_when.text, ())
        for number, check in enumerate(context.checks):
            words = f"HX-2006: {check.that.text}"
            self._rule(CHECKS - number, None, check.mark, words, (), check.code)

    def _line_rules(self, source: Source) -> None:
        """Note how fields of lines are read, and where those that are required are declared."""
        self.rules.readers = line_readers(source)
        for one in (source.records or {}).values():
            for declared in one.fields.values():
                if declared.required:
                    words = f"{declared.name}: required"
                    place = RulePosition(declared.mark.line, words)
                    self.rules.required[f"{one.name}.{declared.name}"] = place

    def _rule(
        self,
        number: int,
        pointer: Any,
        mark: Mark,
        expression: str,
        targets: Sequence[int],
        code: str = "",
    ) -> None:
        reads = self.program.reads.get(number, Reads())
        fields = [(use.binding, use.name) for use in reads.fields]
        present = frozenset(name for _, name in fields if name in self.rules.positions)
        self.rules.rules[number] = Rule(
            number,
            pointer,
            mark.line,
            expression,
            fields,
            reads.paths,
            targets,
            code,
            present,
            reads.members,
        )


def _words(slot: Slot) -> str:
    """Return what stands for the expression of a slot that is no leaf."""
    node = slot.node
    if isinstance(node, EachNode):
        return node.each.text
    return node.when.text if isinstance(node, WhenNode) else ""
