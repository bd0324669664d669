"""XML by a record path."""
