"""Topics on a terminal."""

from __future__ import annotations

from rich.console import Group

from headrace.cli.layout import fit_table, listing
from headrace.cluster.kafka import TopicInfo
from headrace.operate.topic import CreatedTopic, ProducedLines
from headrace.text import counted


def create_sentence(result: CreatedTopic) -> str:
    """A topic that exists now."""
    topic, outcome = result.topic, "created" if result.created else "already exists"
    return f"topic {topic.name} {outcome}: {topic.partitions} partitions, id {topic.id}"


def produce_sentence(result: ProducedLines) -> str:
    """How many records were sent."""
    empty = f", {counted(result.empty_lines, 'empty line')} left out" if result.empty_lines else ""
    return f"{result.records:,} records to topic {result.topic}{empty}"


def page(topic: TopicInfo) -> Group:
    """A topic's id, and the offsets of each partition."""
    names = ("partition", "from", "to", "offsets")
    table = listing(*names, numbers=names)
    for partition, start in topic.log_start.items():
        end = topic.log_end[partition]
        table.add_row(str(partition), f"{start:,}", f"{end:,}", f"{end - start:,}")
    return Group(f"topic {topic.name}, id {topic.id}", fit_table(table))
