"""The steps that lead an older ledger to the tables of this version (Alembic)."""
