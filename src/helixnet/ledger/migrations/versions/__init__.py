"""One module a step, named by its revision; a released step never changes."""
