"""Sheets of xlsx workbooks."""
