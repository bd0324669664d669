"""Measuring HelixNet beside its peers."""
