"""Parses expressions and types them."""
