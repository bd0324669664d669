"""Expressions over a finished document, compiled like the map: keys of deliveries, late checks."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from helixnet.engine.context.model import Context
from helixnet.engine.mapping.constants import Constants
from helixnet.engine.mapping.emit.emitter import Columns, Emitter
from helixnet.engine.mapping.emit.expressions import printed, write_node
from helixnet.engine.mapping.ir import Node
from helixnet.engine.mapping.program import Program
from helixnet.engine.values.compare import is_nothing
from helixnet.engine.values.convert import as_text

KeyFunction: TypeAlias = Callable[[object], str | None]


def key_functions(program: Program | None) -> list[KeyFunction | None]:
    """Return for each delivery the function from a document to its key."""
    if program is None:
        return []
    return [None if node is None else _key(program, node) for node in program.deliver]


def _key(program: Program, node: Node) -> KeyFunction:
    read = document_function(program.context, program.inputs, node)

    def key(document: object) -> str | None:
        value = read({}, document)
        return None if is_nothing(value) else as_text(value)

    return key


def document_function(
    context: Context,
    inputs: Mapping[str, object],
    node: Node,
    *,
    condition: bool = False,
    words: bool = False,
) -> Callable[[Mapping[str, object], object], Any]:
    """Return the function of a record's names and its document that computes ``node``.

    Args:
        context: for its lookups.
        inputs: values by name.
        node: typed, over a RECORD and a DOCUMENT.
        condition: it gives True or False, nothing else.
        words: it gives text, in which nothing prints as nothing.
    """
    constants = Constants()
    nothing = Columns({}, {}, {})
    emitter = Emitter(constants, nothing, context.lookups, inputs, "", write_node)
    write = printed if words else write_node
    code = emitter.condition(node) if condition else write(emitter, node)
    space: dict[str, Any] = dict(constants.values)
    source = f"def compute(r, d):\n    return {code}\n"
    exec(compile(source, "<helixnet document>", "exec"), space)  # noqa: S102 - as in codegen
    return cast("Callable[[Mapping[str, object], object], Any]", space["compute"])
