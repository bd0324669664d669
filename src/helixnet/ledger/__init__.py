"""The ledger: tables, migrations and every step as one function."""
