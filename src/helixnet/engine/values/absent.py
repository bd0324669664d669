"""Absent: there is no value, which is neither null nor empty."""

from enum import Enum
from typing import Final


class Absent(Enum):
    """The type of :data:`ABSENT`; an enum, so that ``is ABSENT`` narrows and pickling keeps it."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        """Print as it is imported."""
        return "ABSENT"

    def __bool__(self) -> bool:
        """Absent counts as false, as null does."""
        return False


ABSENT: Final = Absent.ABSENT
