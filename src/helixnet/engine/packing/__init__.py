"""Files that come packed: what they are packed in, and the plain stream that a format reads."""
