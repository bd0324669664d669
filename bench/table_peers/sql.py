"""What the peers of DuckDB share: how numbers are read, and one thread."""

import sys

import duckdb

NUMBER = "CAST(replace(replace({}, '.', ''), ',', '.') AS DOUBLE)"


def copy(query: str) -> None:
    """Run a query over the file that is named first, into the one named second."""
    source, target = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    parts = {"quantity": NUMBER.format("KWMENG"), "price": NUMBER.format("NETPR")}
    connection.execute(query.format(source=source, target=target, **parts))
