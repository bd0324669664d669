"""JSON documents and lines, exact."""
