"""Kafka from the control side: what a topic is, which holes in it are real, and a fast way to fill it."""

from headrace.cluster.kafka.lag import lag
from headrace.cluster.kafka.producer import Lines, Message, json_lines, produce, produce_lines
from headrace.cluster.kafka.proof import Proof, Verdict, hole_verdicts, holes
from headrace.cluster.kafka.topics import (
    TopicInfo,
    create_topic,
    describe,
    offsets_at,
    require_brokers,
    topic_names,
)

__all__ = [
    "Lines",
    "Message",
    "Proof",
    "TopicInfo",
    "Verdict",
    "create_topic",
    "describe",
    "hole_verdicts",
    "holes",
    "json_lines",
    "lag",
    "offsets_at",
    "produce",
    "produce_lines",
    "require_brokers",
    "topic_names",
]
