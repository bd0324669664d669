"""The shapes by name."""

from pathlib import Path
from typing import Final

from tests.chaos.embedded import Embedded
from tests.chaos.victims import Target

SHAPES: Final = ("embedded", "stack")


def make_target(shape: str, folder: Path) -> Target:
    """Make a target of a shape on an empty folder; nothing is started yet."""
    if shape == "embedded":
        return Embedded(folder)
    from tests.chaos.stacked import Stacked  # noqa: PLC0415 - needs clients of the servers

    return Stacked(folder)
