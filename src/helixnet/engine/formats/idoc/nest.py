"""Nests the rows of flat IDocs: one look-up a row, one function a segment that cuts its fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, TypeAlias, cast

from helixnet.engine.formats.idoc.grammar import CONTROL, IdocGrammar
from helixnet.engine.formats.idoc.lines import CONTROL_NAME, NAME_END, name_of
from helixnet.engine.formats.idoc.place import ROOT, Move, Placer
from helixnet.engine.source import Node

_SEGNUM: Final = slice(49, 55)
_PSGNUM: Final = slice(55, 61)
_MOST_STEPS: Final = 10_000

Cut: TypeAlias = Callable[[str, int], Node]
Place: TypeAlias = tuple[str, int, int]  # field, its start and end


@dataclass(frozen=True, slots=True)
class Misplaced:
    """What is wrong with a row of a document."""

    line: int
    segment: str
    message: str
    code: str = "HX-5005"


@dataclass(slots=True)
class Found:
    """Documents, and what was odd in them.

    Args:
        records: the root node of each.
        wrong: why a document can't be used, by its index.
        unplaced: index, line and name of each segment that the grammar has not, or not there.
        others: index, line and type of each document of another type than declared.
    """

    records: list[Node] = field(default_factory=list[Node])
    wrong: dict[int, list[Misplaced]] = field(default_factory=dict[int, list[Misplaced]])
    unplaced: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    others: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])

    def note(self, index: int, wrong: Misplaced) -> None:
        """Note that a document can't be used."""
        self.wrong.setdefault(index, []).append(wrong)


class _Steps(dict[str, "tuple[_Steps, int, str, Cut | None]"]):
    """What a row does to one path of open segments, by its first 30 characters.

    A step holds the steps from the path after it, how deep the segment stands, its type, and what
    makes its node, unless nobody reads it.
    """

    __slots__ = ("state",)

    def __init__(self, state: int) -> None:
        super().__init__()
        self.state = state


_Step: TypeAlias = tuple[_Steps, int, str, Cut | None]


class Nester:
    """Makes nodes of rows by a grammar.

    Args:
        grammar: of the IDoc type.
        needs: fields and children used, by segment (``""``: the document); None = all.
    """

    def __init__(self, grammar: IdocGrammar, needs: Mapping[str, frozenset[str]] | None) -> None:
        self._placer, self._needs = Placer(grammar), needs
        self._type, self._type_at = grammar.type, grammar.fields(CONTROL).get("IDOCTYP", (0, 0))
        self._cuts = {
            name: cutter(
                name,
                [
                    (field, *place)
                    for field, place in sorted(grammar.fields(name).items(), key=lambda kv: kv[1])
                    if needs is None or field in needs.get(name, ())
                ],
            )
            for name in grammar.segments
        }
        self._root = _Steps(ROOT)
        self._steps, self._count = {ROOT: self._root}, 0

    def nest(self, text: str, line: int, found: Found) -> None:
        """Add the documents in ``text``, whose first line has the number ``line``, to ``found``."""
        rows = (text.replace("\r\n", "\n") if "\r" in text else text).split("\n")
        steps, nodes, lines = self._root, dict[int, Node]({0: {}}), dict[int, int]()
        for number, row in enumerate(rows, line):
            step = steps.get(row[:NAME_END])
            if step is None:
                if row.startswith(CONTROL_NAME):
                    steps, root = self._root, Node(_line=number, _name="")
                    nodes = {0: root}
                    self._begin(root, number, row, found)
                    continue
                step = self._find(steps, row, rows, line, lines)
                if step is None:
                    if name := name_of(row):
                        found.unplaced.append((len(found.records) - 1, number, name))
                    continue
            steps, depth, kind, cut = step
            lines[depth] = number
            if cut is not None:
                nodes[depth] = node = cut(row, number)
                siblings = nodes[depth - 1].get(kind)
                if siblings is None:
                    nodes[depth - 1][kind] = [node]
                else:
                    cast("list[Node]", siblings).append(node)

    def _begin(self, root: Node, line: int, row: str, found: Found) -> None:
        """Begin a document with its control record."""
        index = len(found.records)
        found.records.append(root)
        if self._placer.move(ROOT, name_of(row)) is None:
            found.unplaced.append((index, line, name_of(row)))
            return
        if self._kept(("",), CONTROL):
            root[CONTROL] = [self._cuts[CONTROL](row, line)]
        kind = row[self._type_at[0] : self._type_at[1]].strip()
        if kind and kind != self._type:
            found.others.append((index, line, kind))

    def _find(
        self, steps: _Steps, row: str, rows: Sequence[str], line: int, lines: Mapping[int, int]
    ) -> _Step | None:
        """Find where a row goes that was not met after this path before; None = nowhere."""
        name = name_of(row)
        move = self._placer.move(steps.state, name) if name else None
        if move is None:
            return None
        if move.others:
            return self._step(
                steps.state, self._by_number(move, steps.state, row, (rows, line, lines))
            )
        if self._count > _MOST_STEPS:  # a hostile file may hold any number of names
            self._count = 0
            for known in self._steps.values():
                known.clear()
        self._count += 1
        steps[row[:NAME_END]] = step = self._step(steps.state, move)
        return step

    def _step(self, state: int, move: Move) -> _Step:
        onward = self._steps.setdefault(move.state, _Steps(move.state))
        kept = self._kept(self._placer.path(state)[: move.depth], move.type)
        return onward, move.depth, move.type, self._cuts[move.type] if kept else None

    def _kept(self, path: tuple[str, ...], name: str) -> bool:
        """Tell whether anybody reads a segment under the segments of ``path``."""
        whole, needs = (*path, name), self._needs
        return needs is None or all(
            below in needs.get(above, ()) for above, below in pairwise(whole)
        )

    def _by_number(
        self,
        move: Move,
        state: int,
        row: str,
        seen: tuple[Sequence[str], int, Mapping[int, int]],
    ) -> Move:
        """Where the grammar allows several parents, take the one that PSGNUM names, if any."""
        rows, line, lines = seen
        for depth in move.others:
            if depth > 1 and rows[lines[depth - 1] - line][_SEGNUM] == row[_PSGNUM]:
                return self._placer.at(move, state, depth)
        return move


def cutter(kind: str, places: Sequence[Place]) -> Cut:
    """Return a function of a row and its number that makes the node of a segment.

    Args:
        kind: segment type.
        places: fields with their start and end in the row; a blank one is not in the node.
    """
    space: dict[str, Any] = {"kind": kind}
    lines = ["def cut(row, number):"]
    for number, (name, start, end) in enumerate(places):
        space[f"f{number}"] = name
        lines.append(f"    v{number} = row[{start:d}:{end:d}].rstrip(' ')")
    values = [f"v{number}" for number in range(len(places))]
    pairs = "".join(f", f{number}: v{number}" for number in range(len(places)))
    lines += [
        f"    if {' and '.join(values) or True}:",
        f"        return {{'_line': number, '_name': kind{pairs}}}",
        "    node = {'_line': number, '_name': kind}",
    ]
    for number in range(len(places)):
        lines += [f"    if v{number}:", f"        node[f{number}] = v{number}"]
    exec(compile("\n".join([*lines, "    return node"]), "<helixnet segment>", "exec"), space)  # noqa: S102 - numbers and identifiers of our own only
    return cast("Cut", space["cut"])
