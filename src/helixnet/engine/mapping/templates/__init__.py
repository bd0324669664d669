"""Whole-document templates, in a process of their own."""
