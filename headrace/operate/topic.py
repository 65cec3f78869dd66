"""The topic of a contract: create it, send the lines of a file to it, describe it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace import project
from headrace.cluster.kafka import TopicInfo
from headrace.contract.load import examine, load_topic
from headrace.operate.workspace import Workspace
from headrace.progress import Progress, silent


@dataclass(frozen=True)
class CreatedTopic:
    """A topic that exists now."""

    topic: TopicInfo
    created: bool
    """False if it existed before."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {**self.topic.to_json(), "created": self.created}


@dataclass(frozen=True)
class ProducedLines:
    """Lines of a file that are records of a topic now."""

    topic: str
    records: int
    empty_lines: int
    """Lines that were left out because they were empty."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"topic": self.topic, "records": self.records, "empty_lines": self.empty_lines}


def create_topic(workspace: Workspace, contract: str) -> CreatedTopic:
    """Create the topic with as many partitions as its contract requires; an existing topic is left as it is.

    Raises:
        UsageError: there is no such contract, or it is that of a derived table.
        ClusterError: the topic exists with another number of partitions, or Kafka refuses to create it.
    """
    kafka, promised = workspace.kafka, load_topic(contract)
    return CreatedTopic(*kafka.create_topic(kafka.topic(promised.topic), promised.topic_partitions))


def produce_file(
    workspace: Workspace,
    contract: str,
    file: Path,
    *,
    key: str | None = None,
    as_is: bool = False,
    from_line: int = 1,
    progress: Progress = silent,
) -> ProducedLines:
    """Send each line of a file as one record, byte for byte, and wait until all are in the topic.

    Args:
        workspace: of the environment.
        contract: its id; its topic must exist.
        file: JSON lines; compressed with gzip if its name ends in .gz.
        key: the field whose value is the record's key; by default, records are distributed round-robin.
        as_is: also send lines that are not JSON objects.
        from_line: skip the lines before this one.
        progress: called with the number of records that were sent.

    Raises:
        UsageError: there is no such contract or file, or a line is not a JSON object; nothing is sent then.
        ClusterError: there is no such topic, or sending stopped: names the line, and how to continue.
    """
    kafka = workspace.kafka
    topic = kafka.topic(load_topic(contract).topic)
    lines = kafka.produce_lines(
        topic, file, key=key, as_is=as_is, from_line=from_line, sent=lambda n: progress(completed=n)
    )
    return ProducedLines(topic, lines.records, lines.empty)


def describe_topic(workspace: Workspace, contract: str) -> TopicInfo:
    """The topic's id and, for each partition, the offsets that it still holds.

    Raises:
        UsageError: there is no such contract, or it is that of a derived table.
        ClusterError: there is no such topic, or Kafka does not answer.
    """
    return workspace.kafka.describe(workspace.kafka.topic(load_topic(contract).topic))


def how_to_create(workspace: Workspace, topic: str) -> str:
    """The command that creates a topic; empty if no contract of this project describes it."""
    for name in project.contract_names():
        contract, _ = examine(project.root() / "contracts" / f"{name}.odcs.yaml")
        if contract and contract.topic and workspace.kafka.topic(contract.topic) == topic:
            return f"headrace topic create {name}"
    return ""
