"""The stack's four servers as plain processes on loopback: provisioned, started, broken, ended."""
