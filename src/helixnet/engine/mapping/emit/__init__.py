"""Writes the typed plan as one Python function."""
