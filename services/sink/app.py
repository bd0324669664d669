#!/usr/bin/env python
"""The sink as a program: ``helixnet service sink`` for tools that want a file to run."""

import sys

from helixnet.cli.main import run

if __name__ == "__main__":
    raise SystemExit(run(["service", "sink", *sys.argv[1:]]))
