"""Values: how text becomes a number or a date and back, exactly, and what absent means."""
