"""What writes expressions: the constants, the columns of the file, and the variables in use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from helixnet.engine.context.model import Lookup
from helixnet.engine.mapping import runtime
from helixnet.engine.mapping.constants import Constants
from helixnet.engine.mapping.fields import nullable_converter
from helixnet.engine.mapping.infer.elements import ElementField, is_element
from helixnet.engine.mapping.ir import Node, Type
from helixnet.engine.mapping.kinds import Kind
from helixnet.engine.mapping.line_shape import LineField, Member, converted
from helixnet.engine.mapping.record_fields import Read
from helixnet.engine.mapping.scope import Binding, Role
from helixnet.engine.values.absent import ABSENT

Told: TypeAlias = Callable[[bool], bool]


@dataclass(slots=True)
class Columns:
    """How the columns of one file are read: code for a cell of the row in a variable.

    Of nested records they are the members that are not taken as they are.

    Args:
        positions: column number by name; empty for nested records.
        converters: function by name for columns that are not plain text.
        guarded: by name, the texts that mean null and that its converter must not see.
        keyed: the record is nested, so a cell is found by its name.
    """

    positions: Mapping[str, int]
    converters: Mapping[str, Callable[[Any], object]]
    guarded: Mapping[str, frozenset[str]]
    keyed: bool = False

    def read(self, name: str) -> tuple[int | str, Callable[[Any], object]]:
        """Return where a converted column stands in a row, and what makes a value of its cell."""
        key = name if self.keyed else self.positions.get(name, 0)
        return key, nullable_converter(self.converters[name], self.guarded.get(name, frozenset()))


@dataclass(slots=True)
class Emitter:
    """Writes expressions.

    Args:
        constants: takes every name and literal.
        columns: of the file.
        lookups: tables by name.
        inputs: values by name.
        file: name of the source file.
        write: writes any node; given, because filters and nodes need each other.
        hoisted: variable of a column already converted, by (binding number, name).
        var_names: variable of a var, by its name.
        list_slots: code of `_index`, by binding.
        keeps: variable in which the expression now written leaves a column that it converts.
        safe: variables of columns that can't fail.
        risky: set by everything that may raise at run time.
        told: what is called with the outcome of a condition and returns it, by the node's id.
        readers: function by record type and field, of records of several lines.
        finders: for each join the function from its keys to what it gives.
        turns: variable of the turns that the loops of a template may still take; empty outside.
    """

    constants: Constants
    columns: Columns
    lookups: Mapping[str, Lookup]
    inputs: Mapping[str, object]
    file: str
    write: Callable[["Emitter", Node], str]
    hoisted: dict[tuple[int, str], str] = field(default_factory=dict[tuple[int, str], str])
    keeps: dict[tuple[int, str], str] = field(default_factory=dict[tuple[int, str], str])
    var_names: dict[str, str] = field(default_factory=dict[str, str])
    list_slots: dict[int, str] = field(default_factory=dict[int, str])
    safe: set[str] = field(default_factory=set[str])
    risky: bool = False
    turns: str = ""
    temps: int = 0
    told: Mapping[int, Told] = field(default_factory=dict[int, Told])
    finders: Mapping[str, Callable[..., Any]] = field(default_factory=dict[str, Callable[..., Any]])
    readers: Mapping[Member, Read] = field(default_factory=dict[Member, Read])

    def temp(self) -> str:
        """Return a new variable."""
        self.temps += 1
        return f"x{self.temps}"

    def constant(self, value: object) -> str:
        """Return the identifier of a literal or function."""
        if value is None or value is True or value is False:
            return str(value)
        return self.constants.add(value)

    def call(self, function: object, *args: str) -> str:
        """Return a call that may raise."""
        self.risky = True
        return f"{self.constants.add(function)}({', '.join(args)})"

    def code(self, node: Node) -> str:
        """Return the code of a node's value."""
        return self.write(self, node)

    def condition(self, node: Node) -> str:
        """Return the code of a condition: True or False, nothing else."""
        code = self._condition(node)
        told = self.told.get(id(node))
        return code if told is None else f"{self.constants.add(told)}({code})"

    def _condition(self, node: Node) -> str:
        code = self.code(node)
        if node.type.kind is Kind.NULL:
            return "False"
        if node.type.kind is Kind.BOOLEAN:
            return code if node.type.sure else f"({code} is True)"
        return self.call(runtime.truth, code)

    def binding(self, binding: Binding) -> str:
        """Return the variable of a binding."""
        match binding.role:
            case Role.RECORD | Role.LINES:
                return "r"
            case Role.HEADER:
                return "h"
            case Role.DOCUMENT:
                return "d"
            case Role.ITEM:
                return f"b{binding.number}"

    def cell(self, name: str, row: str) -> str:
        """Return the code that reads and converts a column of the row in variable ``row``."""
        columns = self.columns
        raw = f"{row}[{columns.positions.get(name, 0)}]"
        if columns.keyed:
            raw = f"{row}.get({self.constant(name)}, {self.constant(ABSENT)})"
        convert = columns.converters.get(name)
        nulls = columns.guarded.get(name)
        if convert is None and nulls is None:
            return raw
        if nulls is None:
            return self.call(convert, raw)
        temp, known = self.temp(), self.constants.add(nulls)
        value = temp if convert is None else self.call(convert, temp)
        return f"(None if ({temp} := {raw}) in {known} else {value})"

    def plain_cell(self, name: str) -> bool:
        """Tell whether a column is read as it stands."""
        return name not in self.columns.converters and name not in self.columns.guarded

    def reader(self, name: str, of: Type) -> str:
        """Return the code of a function that takes member ``name`` of an item."""
        if of.row:
            return f"(lambda y: {self.cell(name, 'y')})"
        if is_element(of):
            return self.constants.add(ElementField(name))
        read = converted(of.shape, name)
        if read is not None:
            return self.constants.add(LineField(name, self.readers[read]))
        return self.constant(name)

    def picker(self, name: str, of: Type) -> str:
        """Return the code of a function that takes member ``name`` of an item, which is there."""
        found = self.reader(name, of)
        if of.row or is_element(of) or converted(of.shape, name) is not None:
            return found
        return f"(lambda y: y.get({found}, {self.constant(ABSENT)}))"
