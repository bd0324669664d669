#!/usr/bin/env python
"""The mapper as a program: ``helixnet service mapper`` for tools that want a file to run."""

import sys

from helixnet.cli.main import run

if __name__ == "__main__":
    raise SystemExit(run(["service", "mapper", *sys.argv[1:]]))
