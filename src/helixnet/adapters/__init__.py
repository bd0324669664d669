"""The ports' adapters, one file each."""
