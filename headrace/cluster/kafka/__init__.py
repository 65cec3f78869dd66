"""Kafka from the control side: describe topics, prove the holes in them, and produce records fast."""

from headrace.cluster.kafka.brokers import Brokers
from headrace.cluster.kafka.lag import Lag
from headrace.cluster.kafka.portions import Lines, produce_lines
from headrace.cluster.kafka.producer import Message, produce
from headrace.cluster.kafka.proof import HoleVerdict, Proof, holes
from headrace.cluster.kafka.protocol import Kafka
from headrace.cluster.kafka.source import KafkaSource
from headrace.cluster.kafka.topic_state import KafkaTopicState, topic_state
from headrace.cluster.kafka.topics import (
    TopicInfo,
    create_topic,
    describe,
    offsets_at,
    require_brokers,
    topic_names,
)

__all__ = [
    "Brokers",
    "HoleVerdict",
    "Kafka",
    "KafkaSource",
    "KafkaTopicState",
    "Lag",
    "Lines",
    "Message",
    "Proof",
    "TopicInfo",
    "create_topic",
    "describe",
    "holes",
    "offsets_at",
    "produce",
    "produce_lines",
    "require_brokers",
    "topic_names",
    "topic_state",
]
