"""One commit on a checked snapshot of a Delta table. Knows no ledger."""
