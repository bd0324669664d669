"""The peer of W1: SQL written by hand for DuckDB, with doubles and without validation."""

import sql

QUERY = """
COPY (
    SELECT json_object(
        'orderId', VBELN,
        'line', CAST(POSNR AS BIGINT),
        'orderDate', strftime(strptime(ERDAT, '%d.%m.%Y'), '%Y-%m-%d'),
        'customer', json_object('id', ltrim(KUNNR, '0'), 'name', NAME1, 'country', LAND1),
        'item', json_object('sku', ltrim(MATNR, '0'), 'text', ARKTX),
        'quantity', quantity,
        'unit', CASE VRKME WHEN 'ST' THEN 'PCE' WHEN 'KG' THEN 'KGM' WHEN 'M' THEN 'MTR'
                           WHEN 'KAR' THEN 'CT' WHEN 'PAL' THEN 'PF' END,
        'price', price,
        'amount', round(quantity * price, 2),
        'currency', WAERK,
        'highValue', quantity * price > 100000
    )
    FROM (SELECT *, {quantity} AS quantity, {price} AS price FROM
          read_csv('{source}', delim = ';', header = true, all_varchar = true, quote = '"'))
) TO '{target}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')
"""

if __name__ == "__main__":
    sql.copy(QUERY)
