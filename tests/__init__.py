"""The tests; what several of them need is imported by its full name, as `tests.stack.road`."""
