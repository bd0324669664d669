"""Runs one target under atheris, which changes inputs by what code they reach.

``python -m tests.fuzz.harness TARGET [options of libFuzzer] [folder of inputs]``
"""

import sys

import atheris

with atheris.instrument_imports(include=["helixnet.engine"]):
    from tests.fuzz.targets import one_input


def main() -> None:
    """Fuzz until the time is over or something other than a typed error comes."""
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, lambda data: one_input(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
