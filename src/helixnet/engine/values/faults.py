"""How a function of the run time rejects a value: one exception, turned into a fault by the map."""

from collections.abc import Sized
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, cast

from helixnet.errors import RejectedError

SHOWN: Final = 60
MAX_BITS: Final = 4096


class ValueFault(RejectedError):  # noqa: N818 - it is data about a value, as Fault is
    """A value can't be used as asked.

    Args:
        code: of :data:`helixnet.engine.codes.CODES`.
        message: what is wrong, without place: the caller knows where the value stands.
        value: the value as it was met.
        hint: the next thing to try, where it is known.
    """

    def __init__(self, code: str, message: str, value: object = None, hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.message = message
        self.value = value

    def __reduce__(self) -> tuple[type["ValueFault"], tuple[str, str, object, str]]:
        """Pickle by its arguments, so that a fault crosses a process border whole."""
        return ValueFault, (self.code, self.message, self.value, self.hint)


def shown(value: object) -> str:
    """Return ``value`` as a message names it: text in quotes, at most 60 characters, no repr."""
    if isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    elif isinstance(value, int) and value.bit_length() > MAX_BITS:
        return f"an integer of {value.bit_length()} bits"  # str() refuses over 4,300 digits
    elif isinstance(value, int | Decimal | Fraction | date):
        text = str(value)
    elif isinstance(value, list | dict):
        kind = "a list of {} items" if isinstance(value, list) else "an object of {} fields"
        return kind.format(len(cast(Sized, value)))  # of whatever is in it
    else:
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
