"""``python -m helixnet`` and the command ``helixnet``."""

import sys

from helixnet.cli.main import run


def main() -> int:
    """Run the command line of this process; return its exit status."""
    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
