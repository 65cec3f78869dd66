"""Published tables, read only."""
