"""Finds the parent of each segment by the grammar, as a table of moves that fills itself."""

from dataclasses import dataclass
from typing import Final

from helixnet.engine.formats.idoc.grammar import CONTROL, IdocGrammar

ROOT: Final = 0
_MOST_MOVES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Move:
    """Where a segment goes.

    Args:
        state: path after it.
        depth: how many nodes of the path stay; the last of them is its parent.
        type: its segment type.
        others: further depths that the grammar allows, for PSGNUM to decide.
    """

    state: int
    depth: int
    type: str
    others: tuple[int, ...]


class Placer:
    """Places segments under the nearest open one that may hold them.

    A state is a path of open segments, as a small number; :data:`ROOT` is the bare document.
    """

    def __init__(self, grammar: IdocGrammar) -> None:
        self._grammar = grammar
        self._paths: list[tuple[str, ...]] = [("",)]
        self._states: dict[tuple[str, ...], int] = {("",): ROOT}
        self._moves: dict[tuple[int, str], Move | None] = {}

    def move(self, state: int, written: str) -> Move | None:
        """Return where a segment named ``written`` goes; None if it may not stand here."""
        key = (state, written)
        if key not in self._moves:
            if len(self._moves) > _MOST_MOVES:  # a hostile file may hold any number of names
                self._moves.clear()
            self._moves[key] = self._find(state, written)
        return self._moves[key]

    def at(self, move: Move, state: int, depth: int) -> Move:
        """Return ``move`` from ``state`` with the parent at another ``depth`` that is allowed."""
        path = (*self._paths[state][:depth], move.type)
        return Move(self._state(path), depth, move.type, ())

    def path(self, state: int) -> tuple[str, ...]:
        """Return the open segments, from the document (``""``) down."""
        return self._paths[state]

    def knows(self, written: str) -> bool:
        """Return whether the grammar has this segment at all."""
        return self._grammar.type_of(written) is not None

    def _find(self, state: int, written: str) -> Move | None:
        name = self._grammar.type_of(written)
        if name is None:
            return None
        if name == CONTROL:
            return Move(ROOT, 1, name, ())
        path = self._paths[state]
        depths = [
            depth
            for depth in range(len(path), 0, -1)
            if name in self._grammar.children(path[depth - 1])
        ]
        if not depths:
            return None
        below = (*path[: depths[0]], name)
        return Move(self._state(below), depths[0], name, tuple(depths[1:]))

    def _state(self, path: tuple[str, ...]) -> int:
        if path not in self._states:
            self._states[path] = len(self._paths)
            self._paths.append(path)
        return self._states[path]
