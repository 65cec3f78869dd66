"""Bytes at addresses: the warehouse, and small records that are written only if they are absent."""
