"""The filters and tests of the mapping language, one family a file."""
