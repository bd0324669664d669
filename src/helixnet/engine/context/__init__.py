"""Reading a context bundle into frozen values."""
