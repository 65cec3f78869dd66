"""Immutable records beside the tables, and what follows from them. Opens no Parquet file."""
