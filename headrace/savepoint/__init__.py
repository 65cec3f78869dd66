"""What Flink's checkpoints and savepoints record. Knows no ledger."""
