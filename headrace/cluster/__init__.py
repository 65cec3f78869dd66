"""What headrace asks of other systems over their own protocols: Flink by REST, Kafka by its clients."""
