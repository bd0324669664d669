"""Fixed-width files: lines, or records of bytes as mainframes write them."""
