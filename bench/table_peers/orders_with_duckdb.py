"""The peer of W2: SQL written by hand for DuckDB, with doubles and without validation."""

import sql

QUERY = """
COPY (
    SELECT json_object(
        'orderId', VBELN,
        'orderDate', strftime(strptime(first(ERDAT ORDER BY POSNR), '%d.%m.%Y'), '%Y-%m-%d'),
        'customer', json_object(
            'id', ltrim(first(KUNNR ORDER BY POSNR), '0'),
            'name', first(NAME1 ORDER BY POSNR)
        ),
        'currency', first(WAERK ORDER BY POSNR),
        'items', list(json_object(
            'line', CAST(POSNR AS BIGINT),
            'sku', ltrim(MATNR, '0'),
            'quantity', quantity,
            'unit', CASE VRKME WHEN 'ST' THEN 'PCE' WHEN 'KG' THEN 'KGM' WHEN 'M' THEN 'MTR'
                               WHEN 'KAR' THEN 'CT' WHEN 'PAL' THEN 'PF' END,
            'price', price,
            'amount', round(quantity * price, 2)
        ) ORDER BY POSNR),
        'total', round(sum(round(quantity * price, 2)), 2)
    )
    FROM (SELECT *, {quantity} AS quantity, {price} AS price FROM
          read_csv('{source}', delim = ';', header = true, all_varchar = true, quote = '"'))
    GROUP BY VBELN
    ORDER BY VBELN
) TO '{target}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')
"""

if __name__ == "__main__":
    sql.copy(QUERY)
