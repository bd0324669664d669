"""What typing has filled in before anything is generated."""

from typing import TypeVar

T = TypeVar("T")


def filled(value: T | None) -> T:
    """Return a value that a plan without problems always has; else the fault is ours."""
    if value is None:
        raise AssertionError("a plan with problems was generated")
    return value


def as_kind(value: object, kind: type[T]) -> T:
    """Return the data of a node, whose operation says of which type they are."""
    if not isinstance(value, kind):
        raise TypeError(f"a node holds {type(value).__name__}, not {kind.__name__}")
    return value
