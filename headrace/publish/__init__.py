"""Decide what a batch holds, then finish it: from staged files to published tables."""
