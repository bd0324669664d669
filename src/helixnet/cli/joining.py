"""``--join NAME=FILE``: second files for the joins of a context."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from helixnet.cli.aside import refusal
from helixnet.engine.context.bundle import Bundle
from helixnet.engine.join_table import JoinFile
from helixnet.engine.plan import Plan, compile_plan
from helixnet.errors import UsageError


@dataclass(frozen=True, slots=True)
class Outside:
    """What a command line gives: ``name=value`` pairs, and ``NAME=FILE`` pairs of joins."""

    inputs: Sequence[str]
    joins: Sequence[str]


def plan_with(
    bundle: Bundle,
    inputs: Mapping[str, str],
    pairs: Sequence[str],
    *,
    only: Collection[str] | None = None,
) -> Plan:
    """Compile a bundle with its second files.

    Args:
        bundle: the context and its files.
        inputs: values from outside.
        pairs: ``NAME=FILE`` of each second file.
        only: names of joins to give, where others may be meant for another context.

    Raises:
        ContextError: the context can't be used.
        RefusedError: a second file can't be used.
        UsageError: a pair is none, or its file can't be opened.
    """
    joins: dict[str, JoinFile] = {}
    with ExitStack() as stack:
        for pair in pairs:
            name, between, path = pair.partition("=")
            if not between or not name or not path or name in joins:
                raise UsageError(
                    f"--join {pair}", hint="once a join, such as --join material=m.csv"
                )
            if only is not None and name not in only:
                continue
            try:
                stream = stack.enter_context(Path(path).open("rb"))
                if not stream.seekable():
                    text = f"{path} can't be read twice, as a second file must be"
                    raise UsageError(text, hint="save it as a file first")
            except OSError as error:
                raise refusal(path, error) from error
            joins[name] = JoinFile(path, stream)
        return compile_plan(bundle, inputs, joins)
