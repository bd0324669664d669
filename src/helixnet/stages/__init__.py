"""Ingest, mapper, sink: one use case each."""
