"""X12 and EDIFACT: envelopes, segments and messages."""
