"""What one record gives: the texts of its documents, and which output each of them is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from helixnet.engine.validation.schema import Validator

Texts: TypeAlias = str | list[str] | tuple[str | list[str], ...]
"""What a generated function returns: a text, a list of texts, or such of each output."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the documents of one output must be.

    Args:
        prefix: JSON pointer of the output in ``out``; empty where it has no name.
        validator: of its schema.
    """

    prefix: str
    validator: Validator


@dataclass(frozen=True, slots=True)
class Given:
    """The documents of one record, output after output.

    Args:
        texts: of the documents.
        outputs: the number of each one's output; empty where there is only one.
    """

    texts: Sequence[str]
    outputs: Sequence[int] = ()

    def output(self, index: int) -> int:
        """Return the number of the output of which the text at ``index`` is."""
        return self.outputs[index] if self.outputs else 0


def given_of(texts: Texts) -> Given:
    """Return what a generated function returned; of an output left out the text is empty."""
    if isinstance(texts, str):
        return Given([texts])
    if isinstance(texts, list):
        return Given(texts)
    flat: list[str] = []
    outputs: list[int] = []
    for number, own in enumerate(texts):
        found = own if isinstance(own, list) else [own] if own else []
        flat += found
        outputs += [number] * len(found)
    return Given(flat, outputs)
