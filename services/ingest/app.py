#!/usr/bin/env python
"""The ingest stage as a program: ``helixnet service ingest`` for tools that want a file to run."""

import sys

from helixnet.cli.main import run

if __name__ == "__main__":
    raise SystemExit(run(["service", "ingest", *sys.argv[1:]]))
