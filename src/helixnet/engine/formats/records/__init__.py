"""Lines of several types that make one record."""
