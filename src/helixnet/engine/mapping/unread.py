"""What nothing reads: declared fields, and columns, keys or segments that a file has."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from helixnet.engine.context.model import ContextProblem, Field, Mark, Source
from helixnet.engine.mapping.ir import Node, Op
from helixnet.engine.mapping.needs import expressions, written
from helixnet.engine.mapping.program import Program, columns_named
from helixnet.engine.mapping.scope import Binding, FieldUse, Role

UNREAD: Final = "HX-4113"
_MOST_NAMES: Final = 20


def names_read(
    program: Program, needs: Mapping[str, frozenset[str]] | None
) -> frozenset[str] | None:
    """Return the names that a map reads, as files have them; None when it reads whole records.

    Args:
        program: everything typed.
        needs: fields read by segment or record type.

    Returns:
        columns, top-level keys, or ``SEGMENT`` and ``SEGMENT.FIELD``.
    """
    context = program.context
    if context.source.graded or context.source.records is not None:
        return None if needs is None else frozenset(_segment_names(needs))
    if not context.source.tabular:
        return _keys(expressions(program))
    if any(root.type.row for root in written(program)):
        return None
    return columns_named(program)


def _segment_names(needs: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for node, names in needs.items():
        segment = node.rpartition("/")[2]
        yield segment
        for name in names:
            yield name  # a segment below, if it is no field
            yield f"{segment}.{name}"


def _keys(roots: Iterable[Node]) -> frozenset[str] | None:
    found: set[str] = set()
    left = list(roots)
    while left:
        node = left.pop()
        if node.op is Op.STEP and _is_record(node.args[0]):
            found.add(str(node.data))
        elif isinstance(node.data, FieldUse) and _is_of_record(node.data):
            found.add(node.data.name)
        elif _is_record(node):
            return None
        else:
            left += node.args
    return frozenset(found)


def _is_record(node: Node) -> bool:
    return isinstance(node.data, Binding) and node.data.role is Role.RECORD


def _is_of_record(use: FieldUse) -> bool:
    return use.binding is not None and use.binding.role is Role.RECORD


def unread_fields(program: Program, read: frozenset[str]) -> Iterator[ContextProblem]:
    """Yield a problem for each declared field that nothing reads.

    A warning, where the declaration is wasted or deceives. With ``on_drift`` other than allow, a
    plain text field says which columns files may have, which is worth a note only.
    """
    source = program.context.source
    for name, field in _declared(source):
        if name in read or field.required:
            continue
        if _plain(field):
            known = source.on_drift != "allow" or not source.header or source.records is not None
            text, hint = f"nothing reads the field `{name}`", ""
            severity = "note" if known else "warning"
        else:
            text = f"nothing reads the field `{name}`, so its values are not checked"
            hint = "read it, or declare {type: string}"
            severity = "warning"
        yield ContextProblem(field.mark, UNREAD, text, hint, severity)


def _declared(source: Source) -> Iterator[tuple[str, Field]]:
    """Yield the declared fields by their names, those of record types as ``TYPE.FIELD``."""
    yield from (source.fields or {}).items()
    for one in (source.records or {}).values():
        yield from ((f"{one.name}.{name}", field) for name, field in one.fields.items())


def _plain(field: Field) -> bool:
    return field.type in ("string", "any")


def unread_names(file: str, names: Sequence[str], read: frozenset[str]) -> Iterator[ContextProblem]:
    """Yield a note about the columns or keys of a file that nothing reads.

    Args:
        file: its name.
        names: what it has.
        read: what is read.
    """
    yield from _note(file, "", [name for name in dict.fromkeys(names) if name not in read])


def unread_segments(
    file: str, names: Sequence[str], read: frozenset[str]
) -> Iterator[ContextProblem]:
    """Yield a note about the segments of a file that nothing reads, and one for each with fields.

    Args:
        file: its name.
        names: what it has: ``SEGMENT`` and ``SEGMENT.FIELD``.
        read: what is read, written the same.
    """
    segments = [name for name in names if "." not in name]
    yield from _note(file, "the segments ", [name for name in segments if name not in read])
    for segment in segments:
        if segment in read:
            fields = [name for name in names if name.startswith(f"{segment}.")]
            unread = [name.partition(".")[2] for name in fields if name not in read]
            yield from _note(file, f"of {segment} ", unread)


def _note(file: str, what: str, unread: Sequence[str]) -> Iterator[ContextProblem]:
    if unread:
        more = f" and {len(unread) - _MOST_NAMES} more" if len(unread) > _MOST_NAMES else ""
        listed = ", ".join(f"`{name}`" for name in unread[:_MOST_NAMES])
        text = f"nothing reads {what}{listed}{more}"
        yield ContextProblem(Mark(file, 1, 1), UNREAD, text, severity="note")
