"""The limit of W1: Polars reads the file and writes it again, and maps nothing."""

import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl

if __name__ == "__main__":
    source, target = sys.argv[1:]
    pl.read_csv(source, separator=";", infer_schema=False).write_ndjson(target)
