"""REST, events for browsers, and the pages."""
