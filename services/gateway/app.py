#!/usr/bin/env python
"""The gateway as a program: ``helixnet service gateway`` for tools that want a file to run."""

import sys

from helixnet.cli.main import run

if __name__ == "__main__":
    raise SystemExit(run(["service", "gateway", *sys.argv[1:]]))
