"""Holding documents against the target schema."""
