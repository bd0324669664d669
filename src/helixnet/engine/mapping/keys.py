"""The keys of deliveries: expressions over a finished document, compiled like the map."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from helixnet.engine.mapping.constants import Constants
from helixnet.engine.mapping.emit import write_node
from helixnet.engine.mapping.emitter import Columns, Emitter
from helixnet.engine.mapping.ir import Node
from helixnet.engine.mapping.program import Program
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.convert import as_text

KeyFunction: TypeAlias = Callable[[object], str | None]


def key_functions(program: Program | None) -> list[KeyFunction | None]:
    """Return for each delivery the function from a document to its key."""
    if program is None:
        return []
    return [None if node is None else _function(program, node) for node in program.deliver]


def _function(program: Program, node: Node) -> KeyFunction:
    constants = Constants()
    nothing = Columns({}, {}, frozenset(), frozenset())
    lookups = program.context.lookups
    emitter = Emitter(constants, nothing, lookups, program.inputs, "", write_node)
    code = emitter.code(node)
    space: dict[str, Any] = dict(constants.values)
    exec(compile(f"def key(r):\n    return {code}\n", "<helixnet key>", "exec"), space)  # noqa: S102 - as in codegen
    read = cast("Callable[[object], object]", space["key"])

    def key(document: object) -> str | None:
        value = read(document)
        return None if is_nothing(value) else as_text(value)

    return key
