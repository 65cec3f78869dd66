"""Replay: recompute from a place on the published branch, beside the live job, and swap in one batch."""
