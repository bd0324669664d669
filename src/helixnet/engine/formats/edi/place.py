"""Finds the parent of each segment by the structure, as a table of moves that fills itself."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, TypeAlias

from helixnet.engine.formats.edi.grammar import EdiGrammar, nests
from helixnet.engine.formats.edi.syntax import X12, Syntax
from helixnet.engine.formats.edi.take import take_of
from helixnet.engine.formats.edi.taker import Taker, taker
from helixnet.engine.source import Node

MOST_DEEP: Final = 60
KEY: Final = 4  # a tag has at most three characters: four tell where it ends
_MOST_MOVES: Final = 20_000


class Step(NamedTuple):
    """What becomes of a segment.

    Args:
        depth: how many nodes of the path stay; the last of them is its parent. 0: it may not
            stand here.
        tag: of it.
        take: makes its node.
        nests: its second element names its parent (HL).
    """

    depth: int
    tag: str
    take: Taker
    nests: bool


Move: TypeAlias = tuple["State", Step | None]
"""The state after a segment, and what becomes of it; None = nobody asks for it."""


class State(dict[str, Move]):
    """A path of open segments: gives the move of a segment by its first :data:`KEY` characters."""

    __slots__ = ("_placer", "path")

    def __init__(self, placer: "Placer", path: tuple[str, ...]) -> None:
        super().__init__()
        self._placer, self.path = placer, path

    def __missing__(self, key: str) -> Move:
        """Find a move that was not asked for before."""
        move = self._placer.find(self, key)
        self[key] = move
        return move


class Placer:
    """Places segments under the nearest open one that may hold them.

    Args:
        grammar: of the messages.
        syntax: their delimiters.
        wanted: names by id that are read; None = all.
    """

    def __init__(
        self,
        grammar: EdiGrammar,
        syntax: Syntax,
        wanted: Mapping[str, Collection[str]] | None,
    ) -> None:
        self._grammar, self._wanted, self._syntax = grammar, wanted, syntax
        self._ends = syntax.element + ("" if syntax.standard is X12 else syntax.component)
        self._states: dict[tuple[str, ...], State] = {}
        self._steps: dict[tuple[int, str], Step] = {}
        self._moves = 0
        self.start = self._state(("",))

    def tag(self, segment: str) -> str:
        """Return the tag that a segment begins with."""
        for end in self._ends:
            segment = segment.partition(end)[0]
        return segment

    def find(self, state: State, key: str) -> Move:
        """Return where a segment goes; see :class:`State`."""
        self._moves += 1
        if self._moves > _MOST_MOVES:  # a hostile file may hold any number of tags
            self._moves = 0
            for each in self._states.values():
                each.clear()
        tag = self.tag(key)
        if not tag:
            return state, None
        path = state.path
        for depth in range(len(path), 0, -1):
            node = self._child(path[depth - 1], tag)
            if node is not None:
                return self._move(path[:depth], tag, node)
        return state, Step(0, tag, _nothing, nests=False)

    def _child(self, parent: str, tag: str) -> str | None:
        return self._grammar.child(parent, tag) if self._grammar.is_tag(tag) else None

    def _move(self, above: tuple[str, ...], tag: str, node: str) -> Move:
        if node == above[-1]:  # HL under HL: both have the same place, and say who is whose parent
            above = above[:-1]
        holds = bool(self._grammar.below(node))
        path = (*above, node) if holds and len(above) < MOST_DEEP else above
        return self._state(path), self._step(len(above), above[-1], tag, node)

    def _step(self, depth: int, parent: str, tag: str, node: str) -> Step | None:
        wanted = self._wanted
        below = nests(self._grammar.standard, tag, tag) and self._grammar.structure is not None
        asked = wanted is None or tag in wanted.get(parent, ())
        if not asked and not (below and wanted is not None and tag in wanted.get(node, ())):
            return None
        if (depth, node) not in self._steps:
            take = taker(take_of(self._grammar, node, wanted), node, self._syntax)
            self._steps[depth, node] = Step(depth, tag, take, nests=below)
        return self._steps[depth, node]

    def _state(self, path: tuple[str, ...]) -> State:
        if path not in self._states:
            self._states[path] = State(self, path)
        return self._states[path]


def _nothing(segment: str, line: int) -> Node:
    """Stand for what makes the node of a segment that has no place."""
    return {"_line": line, "_name": segment}
