"""The local stack: Kafka, an object store and Flink, processes of this machine, made from locked jars."""
