"""The columns executor: a map over a block of a CSV file at once, by Polars.

It may accept, never refuse: a row of which it is not sure gives no text, and the rows executor is
asked for it. So every document, reject and position is what rows would give, byte for byte.
"""
