"""The errors of a reject for a person: one a fault, however many places it would have fed."""

from collections.abc import Mapping, Sequence
from typing import Any


def faults(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Merge errors of one source, code, message and value; in order of the first of each.

    Returns:
        the errors, each with ``targets``: the places in the document, each once.
    """
    merged: dict[str, dict[str, Any]] = {}
    for error in errors:
        same = repr([error.get(name) for name in ("source", "code", "message", "value")])
        fault = merged.setdefault(same, {**error, "targets": []})
        target = error.get("target")
        if target and target not in fault["targets"]:
            fault["targets"].append(target)
    return list(merged.values())
