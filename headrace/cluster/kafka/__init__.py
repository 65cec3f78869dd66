"""Kafka from the control side: what a topic is, which holes in it are real, and a fast way to fill it."""

from headrace.cluster.kafka.brokers import Brokers
from headrace.cluster.kafka.lag import Lag
from headrace.cluster.kafka.portions import Lines, produce_lines
from headrace.cluster.kafka.producer import Message, produce
from headrace.cluster.kafka.proof import Proof, Verdict, holes
from headrace.cluster.kafka.protocol import Kafka
from headrace.cluster.kafka.source import Source
from headrace.cluster.kafka.standing import Standing, standing
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
    "Kafka",
    "Lag",
    "Lines",
    "Message",
    "Proof",
    "Source",
    "Standing",
    "TopicInfo",
    "Verdict",
    "create_topic",
    "describe",
    "holes",
    "offsets_at",
    "produce",
    "produce_lines",
    "require_brokers",
    "standing",
    "topic_names",
]
