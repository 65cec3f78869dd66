"""Custom properties, for what the standard does not cover: time, partitions, unknown fields, topic size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, cast

from headrace.contract.column_type import DateType, IntegerType, TimestampType
from headrace.contract.document import Document, Path
from headrace.contract.duration import duration
from headrace.contract.model import Column, ContractKind, Counts, Late, Partition
from headrace.contract.sql import MAX_INTERVAL
from headrace.contract.standard import CUSTOM_PROPERTY, check_keys, suggestion

MAX_TOPIC_PARTITIONS = 10_000
_PARTITION = re.compile(r"(day|month)\(\s*([a-z][a-z0-9_]*)\s*\)")
_OF_TIME = ("watermarkDelay", "maxFuture", "idleAfter", "maxDrift", "versionOf")
_OF_TOPICS = frozenset({"topicPartitions", "unknownFields", *_OF_TIME})
_OF_STATE = ("horizon", "stateTtl", "unboundedState")
_OF_DERIVED = frozenset({"latePolicy", "allowedLateness", "counts", "window", *_OF_STATE})
_KNOWN = _OF_TOPICS | _OF_DERIVED | {"eventTime", "partitionBy"}
EACH_ROW = "rows"
"""``counts: rows``: no column, each row counts one."""


@dataclass(frozen=True)
class Promises:
    """The custom properties that headrace knows."""

    topic_partitions: int = 1
    event_time: str | None = None
    watermark_delay: timedelta | None = None
    max_future: timedelta | None = None
    idle_after: timedelta | None = None
    max_drift: timedelta | None = None
    version_of: tuple[str, ...] = ()
    unknown_fields: Literal["ignore", "reject"] = "ignore"
    partition_by: tuple[Partition, ...] = ()
    late: Late | None = None
    horizon: timedelta | None = None
    state_ttl: timedelta | None = None
    unbounded_state: str = ""
    counts: Counts | None = None


def read_promises(
    document: Document, columns: Mapping[str, Column], key: tuple[str, ...], kind: ContractKind
) -> Promises:
    """Read them, and record what is wrong."""
    reader = _PromiseReader(document, columns)
    reader.refuse(
        _OF_TOPICS if kind == "derive" else _OF_DERIVED,
        "a derived table" if kind == "derive" else "a topic's contract",
    )
    if kind == "derive":
        late = reader.late(key)
        return Promises(
            partition_by=reader.partition_by(key if late.policy == "amend" else ()),
            late=late,
            horizon=reader.interval("horizon"),
            state_ttl=reader.state_ttl(),
            unbounded_state=reader.reason("unboundedState"),
            counts=reader.counts(),
        )
    return Promises(
        topic_partitions=reader.topic_partitions(),
        event_time=reader.event_time(),
        watermark_delay=reader.length_of_time("watermarkDelay"),
        max_future=reader.length_of_time("maxFuture"),
        idle_after=reader.length_of_time("idleAfter"),
        max_drift=reader.length_of_time("maxDrift"),
        version_of=reader.version_of(key),
        unknown_fields=reader.unknown_fields(),
        partition_by=reader.partition_by(),
    )


class _PromiseReader:
    def __init__(self, document: Document, columns: Mapping[str, Column]) -> None:
        self.document, self.columns = document, columns
        self.values: dict[str, Any] = {}
        self.paths: dict[str, Path] = {}
        for i, raw in enumerate(document.data.get("customProperties") or ()):
            self._take(("customProperties", i), raw)

    def _take(self, path: Path, raw: Mapping[str, Any]) -> None:
        check_keys(self.document, path, raw, CUSTOM_PROPERTY)
        name = str(raw.get("property"))
        if raw.get("vendor") not in (None, "headrace"):
            return  # another tool's property: the standard allows it, and headrace does not judge it
        if name not in _KNOWN:
            self.document.problem(
                (*path, "property"), f"unknown custom property {name}", suggestion(name, _KNOWN)
            )
        elif name in self.values:
            self.document.problem((*path, "property"), f"{name} appears twice", "remove one of them")
        else:
            self.values[name], self.paths[name] = raw.get("value"), (*path, "value")

    def _note(self, name: str, what: str, remedy: str) -> None:
        self.document.problem(self.paths.get(name, ("customProperties",)), what, remedy)

    def refuse(self, names: frozenset[str], kind: str) -> None:
        for name in sorted(names & self.values.keys()):
            self._note(name, f"{name} has no meaning for {kind}", "remove it")

    def late(self, key: tuple[str, ...]) -> Late:
        policy = self.values.get("latePolicy")
        if policy not in ("amend", "keep"):
            what = f"latePolicy is {'missing' if policy is None else policy}"
            remedy = "write amend: late rows change the result; or keep: they go to the late table"
            self._note("latePolicy", what, remedy)
            return Late("keep")
        if policy == "keep":
            self.refuse(
                frozenset({"allowedLateness"}), "latePolicy keep: every late row goes to the late table"
            )
            return Late("keep")
        if not key:
            what = "latePolicy amend without a primary key: nothing says which row is amended"
            self._note("latePolicy", what, "add primaryKey: true to the columns that identify a row")
        if "allowedLateness" not in self.values:
            what = "latePolicy amend without allowedLateness: state would be kept forever"
            self._note("latePolicy", what, "add allowedLateness: how far behind the watermark a row may be")
        return Late("amend", self.interval("allowedLateness") or timedelta())

    def counts(self) -> Counts | None:
        if "counts" not in self.values:
            self.refuse(
                frozenset({"eventTime", "window"}), "a derived table that does not say what it counts"
            )
            return None
        name = str(self.values["counts"])
        self._counting(name)
        at, window = self.event_time(), self.interval("window")
        if at is None:
            what = "counts without eventTime: nothing says which rows it counts"
            self._note(
                "counts",
                what,
                "add eventTime: the column with the event time, or with the start of the window",
            )
        if window is not None and not window:
            self._note("window", "the window has no length", "remove it where rows keep their event time")
        return Counts(None if name == EACH_ROW else name, at or "", window or timedelta())

    def _counting(self, name: str) -> None:
        column = self.columns.get(name)
        if name == EACH_ROW and column is not None:
            what = f"counts {name} means each row, but there is a column with that name"
            self._note("counts", what, "rename the column")
        elif name != EACH_ROW and (
            column is None or not isinstance(column.type, IntegerType) or not column.required
        ):
            what = f"counts {name} is not a column"
            if column is not None:
                what = f"counts {name} is {'' if column.required else 'not required, and '}a {column.type}"
            remedy = (
                "name a required integer column with the number of rows read; or rows: each row counts one"
            )
            self._note("counts", what, remedy)

    def topic_partitions(self) -> int:
        value = self.values.get("topicPartitions")
        if type(value) is not int or not 1 <= value <= MAX_TOPIC_PARTITIONS:
            what = f"topicPartitions is {'missing' if value is None else value}"
            self._note("topicPartitions", what, "write a number of at least 1: it cannot be reduced later")
            return 1
        return value

    def event_time(self) -> str | None:
        name = self.values.get("eventTime")
        if name is None:
            return None
        column = self.columns.get(str(name))
        if column is None:
            self._note("eventTime", f"eventTime {name} is not a column", "name a required timestamp column")
        elif not isinstance(column.type, TimestampType) or not column.required:
            what = f"eventTime {name} is {'' if column.required else 'not required, and '}a {column.type}"
            self._note("eventTime", what, "name a required timestamp column")
        return str(name)

    def length_of_time(self, key: str) -> timedelta | None:
        if key in self.values and "eventTime" not in self.values:
            self._note(key, f"{key} without eventTime", "add eventTime: the column with the event time")
        return self.interval(key)

    def version_of(self, key: tuple[str, ...]) -> tuple[str, ...]:
        names = self._names("versionOf")
        if names and "eventTime" not in self.values:
            what = "versionOf without eventTime: nothing says which version is newer"
            self._note(
                "versionOf", what, "add eventTime: the column with the time from which a version holds"
            )
        for name in names:
            self._check_version_column(name)
        if names and set(key) != {*names, self.values.get("eventTime")}:
            what = "versionOf: a version is identified by its entity and by the time from which it holds"
            remedy = f"make {', '.join(names)} and the eventTime the primary key"
            self._note("versionOf", what, remedy)
        return names

    def _names(self, key: str) -> tuple[str, ...]:
        """The value of a property that is one name or a list of names."""
        value = self.values.get(key)
        if value is None:
            return ()
        return tuple(map(str, value if isinstance(value, list) else [value]))

    def _check_version_column(self, name: str) -> None:
        column = self.columns.get(name)
        if column is None or not column.required:
            what = f"versionOf {name} is {'not a column' if column is None else 'not required'}"
            remedy = "name required columns: they identify the entity of which a record is a version"
            self._note("versionOf", what, remedy)

    def state_ttl(self) -> timedelta | None:
        if "stateTtl" in self.values and "unboundedState" in self.values:
            self._note("unboundedState", "state with a stateTtl is bounded", "remove one of them")
        return self.interval("stateTtl")

    def reason(self, key: str) -> str:
        value = self.values.get(key, "")
        if key in self.values and (not isinstance(value, str) or not value.strip()):
            self._note(key, f"{key} is not a reason", "explain in words why state may grow without bound")
            return ""
        return str(value)

    def interval(self, key: str) -> timedelta | None:
        text = self.values.get(key)
        if text is None:
            return None
        try:
            value = duration(text if isinstance(text, str) else repr(text))
        except ValueError as e:
            self._note(key, f"{key}: {e}", "write it as in P1D, PT3H or PT30S")
            return None
        if value > MAX_INTERVAL:
            self._note(
                key, f"{key} {text} is over {MAX_INTERVAL.days} days", "that is the longest interval in Flink"
            )
            return None
        return value

    def unknown_fields(self) -> Literal["ignore", "reject"]:
        value = self.values.get("unknownFields", "ignore")
        if value not in ("ignore", "reject"):
            self._note("unknownFields", f"unknownFields is {value}", "write ignore or reject")
        return cast('Literal["ignore", "reject"]', value)

    def partition_by(self, amended_by: tuple[str, ...] = ()) -> tuple[Partition, ...]:
        partitions: dict[str, Partition] = {}
        for text in self._names("partitionBy"):
            partition = self._partition(text)
            if partition and amended_by and partition.source not in amended_by:
                what = f"{partition.source} is not in the primary key: a newer version of a row could move"
                self._note("partitionBy", what, "partition by a column of the key")
            if partition is not None and partition.name in partitions:
                self._note("partitionBy", f"{text} appears twice", "remove one of them")
            elif partition is not None:
                partitions[partition.name] = partition
        return tuple(partitions.values())

    def _partition(self, text: Any) -> Partition | None:
        match = _PARTITION.fullmatch(str(text))
        if not match:
            self._note(
                "partitionBy", f"partitionBy {text} is not supported", "write day(column) or month(column)"
            )
            return None
        partition = Partition(match[2], cast('Literal["day", "month"]', match[1]))
        column = self.columns.get(partition.source)
        if column is None:
            self._note(
                "partitionBy", f"{partition.source} is not a column", "name a required date or timestamp"
            )
        elif not isinstance(column.type, DateType | TimestampType) or not column.required:
            what = f"{partition.source} is {'' if column.required else 'not required, and '}a {column.type}"
            # NULL would end up in Hive's default partition, and the file does not hold the column: it would
            # be lost.
            self._note("partitionBy", what, "name a required date or timestamp")
        if partition.name in self.columns:
            clash = self.columns[partition.name]
            what = f"column {clash.name} (line {clash.line}) has the name of the partition column of {text}"
            self._note("partitionBy", what, "rename the column")
        return partition
