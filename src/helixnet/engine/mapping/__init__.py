"""Expressions to one typed plan to one generated function."""
