"""The channel that leads Kafka topics into lake tables: every record has exactly one home."""
