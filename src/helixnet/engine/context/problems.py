"""Where the readers of a context put what is wrong, so that one run shows every problem."""

from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from helixnet.engine.context.model import ContextProblem, Mark

MANY: Final = 30  # names that a hint can still list
MOST: Final = 1_000
_LONGEST: Final = 500  # characters of a message: what a context holds may be a megabyte


def near(name: str, known: Collection[str]) -> str:
    """Hint at the nearest known name, or list the few that there are; empty without a clue."""
    name = name[:_LONGEST]
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    if not close:
        lower = {one.lower(): one for one in known}
        close = [lower[name.lower()]] if name.lower() in lower else []
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known here: {', '.join(sorted(known))}" if 0 < len(known) <= MANY else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


@dataclass(slots=True)
class Problems:
    """Collects problems. A line that YAML has cut says so once and nothing else.

    What follows from a cut line (unknown keys, empty leaves) would only hide the cause.
    """

    found: list[ContextProblem] = field(default_factory=list[ContextProblem])
    _cut: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    @property
    def full(self) -> bool:
        """Whether there are as many as a person would ever look at."""
        return len(self.found) >= MOST

    def add(self, mark: Mark, code: str, message: str, hint: str = "") -> None:
        """Note an error, unless its line is known to be cut by YAML or enough are noted."""
        if not self.full and (mark.file, mark.line) not in self._cut:
            self.found.append(ContextProblem(mark, code, _short(message), _short(hint)))

    def cut(self, mark: Mark, message: str, hint: str) -> None:
        """Note that YAML cut this line (HX-4009): the only problem that it will show."""
        self.add(mark, "HX-4009", message, hint)
        self._cut.add((mark.file, mark.line))

    def absorb(self, other: "Problems") -> None:
        """Take over what another reading found."""
        for one in other.found:
            if one.code == "HX-4009":
                self.cut(one.mark, one.message, one.hint)
            else:
                self.add(one.mark, one.code, one.message, one.hint)

    def sorted(self) -> list[ContextProblem]:
        """Every problem once, in file order."""
        unique = dict.fromkeys(self.found)
        return sorted(unique, key=lambda one: (one.mark.file, one.mark.line, one.mark.column))
