"""The commands: parse arguments, call runtime or engine."""
