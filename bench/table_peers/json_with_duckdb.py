"""The peer of W5j: SQL written by hand for DuckDB, with doubles and without validation."""

import sys

import duckdb

QUERY = """
COPY (
    SELECT
        id AS "orderId", date AS "orderDate", currency,
        struct_pack(id := buyer.id, name := buyer.name) AS buyer,
        struct_pack(id := shipTo.id) AS "shipTo",
        list_transform(lines, lambda l: struct_pack(
            lineNumber := l.number,
            material := l.material,
            description := l.text,
            quantity := l.quantity,
            unit := CASE l.unit WHEN 'ST' THEN 'PCE' WHEN 'KG' THEN 'KGM'
                                WHEN 'M' THEN 'MTR' WHEN 'L' THEN 'LTR' END,
            netPrice := l.price,
            schedule := list_transform(l.deliveries, lambda d: struct_pack(
                date := d.date, quantity := d.quantity))
        )) AS items
    FROM read_json('{source}', format = 'newline_delimited', columns = {
        id: 'VARCHAR', date: 'VARCHAR', currency: 'VARCHAR',
        buyer: 'STRUCT(id VARCHAR, name VARCHAR)', shipTo: 'STRUCT(id VARCHAR)',
        lines: 'STRUCT(number BIGINT, material VARCHAR, text VARCHAR, quantity DOUBLE,
                       unit VARCHAR, price DOUBLE,
                       deliveries STRUCT(date VARCHAR, quantity DOUBLE)[])[]'
    })
) TO '{target}' (FORMAT json)
"""

if __name__ == "__main__":
    source, target = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(QUERY.replace("{source}", source).replace("{target}", target))
