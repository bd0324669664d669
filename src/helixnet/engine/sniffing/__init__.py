"""What a file is, told from its beginning: format, encoding, columns and their types."""
