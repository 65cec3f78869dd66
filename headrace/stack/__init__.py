"""The local stack: Kafka, an object store and Flink as processes of this machine, put together from locked jars."""
