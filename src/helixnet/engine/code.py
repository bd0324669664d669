"""What one error code means."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What one ``HX-####`` means.

    Args:
        title: the fault in a few words.
        cause: when it appears.
        action: what a person does about it.
    """

    title: str
    cause: str
    action: str
