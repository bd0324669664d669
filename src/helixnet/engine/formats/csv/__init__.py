"""CSV: where records and cells end, and what a pass over a file finds."""
