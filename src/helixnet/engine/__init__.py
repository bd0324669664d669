"""The engine: bytes in, outcomes out; pure and synchronous."""
