"""What a contract states and nothing acts on: readers must not mistake it for a promise that is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.contract.document import Document, Path
from headrace.contract.schema import OBJECT_PATH
from headrace.contract.standard import (
    CUSTOM_PROPERTY,
    DESCRIPTION,
    ENUM_VALUE,
    OBJECT,
    PROPERTY,
    QUALITY,
    ROOT,
    SERVER,
    TEAM,
    Keys,
)
from headrace.contract.surroundings import contract_kind

_PROSE = "text"
"""The type of quality that only people read."""


@dataclass
class Unused:
    """``warnings`` each have a place and a reason; ``documentation`` are keys that promise nothing."""

    warnings: list[str] = field(default_factory=list)
    documentation: set[str] = field(default_factory=set)


def unused(document: Document) -> Unused:
    """What a valid contract states and nothing acts on, by line."""
    result = Unused()
    noted: list[tuple[Path, str]] = []
    for path, mapping, keys in _mappings(document.data):
        name = ".".join(k for k in path if isinstance(k, str))
        result.documentation |= {
            f"{name}.{key}".lstrip(".") for key in mapping if key in keys.documentation - keys.used
        }
        noted += [
            ((*path, key), _idle(name, key, mapping[key], why))
            for key, why in keys.idle.items()
            if key in mapping
        ]
    noted += [*_prose(document.data), *_of_others(document.data), *_not_judged(document.data)]
    lines = sorted({(document.line(path), what) for path, what in noted})
    result.warnings = [f"{document.name}:{line}: {what}" for line, what in lines]
    return result


def _mappings(data: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], Keys]]:
    """Every part with keys of its own: its path, its content, and what its keys mean."""
    yield (), data, ROOT
    yield ("description",), data.get("description") or {}, DESCRIPTION
    yield ("team",), data["team"], TEAM
    for i, server in enumerate(data.get("servers") or ()):
        yield ("servers", i), server, SERVER
    for i, given in enumerate(data.get("customProperties") or ()):
        yield ("customProperties", i), given, CUSTOM_PROPERTY
    schema = data["schema"][0]
    yield OBJECT_PATH, schema, OBJECT
    for i, rule in enumerate(schema.get("quality") or ()):
        yield (*OBJECT_PATH, "quality", i), rule if rule.get("type") != _PROSE else {}, QUALITY
    yield from _column_mappings(schema["properties"])


def _column_mappings(columns: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, Mapping[str, Any], Keys]]:
    for i, column in enumerate(columns):
        path: Path = (*OBJECT_PATH, "properties", i)
        yield path, column, PROPERTY
        for j, value in enumerate(column.get("enum") or ()):
            yield (*path, "enum", j), value, ENUM_VALUE


def _idle(part: str, key: str, value: Any, why: str) -> str:
    entries = value if isinstance(value, list) else []
    names = [
        str(e.get("property") or e.get("role") or e.get("to") or "") for e in entries if isinstance(e, dict)
    ]
    of = f" ({', '.join(names)})" if any(names) else ""
    return f"{f'{part}.{key}'.lstrip('.')}{of} is not acted on: {why}"


def _prose(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Quality as prose, of the schema and of columns."""
    schema = data["schema"][0]
    holders: list[tuple[Path, Mapping[str, Any]]] = [(OBJECT_PATH, schema)]
    holders += [((*OBJECT_PATH, "properties", i), column) for i, column in enumerate(schema["properties"])]
    for path, holder in holders:
        for i, quality in enumerate(holder.get("quality") or ()):
            if quality.get("type") == _PROSE:
                name = f" {quality['name']}" if quality.get("name") else ""
                yield (*path, "quality", i), f"quality{name} of type text is not acted on: it is prose"


def _of_others(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for i, given in enumerate(data.get("customProperties") or ()):
        if given.get("vendor") not in (None, "headrace"):
            what = (
                f"customProperties {given.get('property')} is not acted on: it belongs to {given['vendor']}"
            )
            yield ("customProperties", i), what


def _not_judged(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Promises about single rows in the contract of a derived table: only records of a topic are judged."""
    if contract_kind(data) == "ingest":
        return
    why = "only records of a topic are judged: put the condition into the SQL of the job"
    schema = data["schema"][0]
    for i, rule in enumerate(schema.get("quality") or ()):
        if rule.get("type") != _PROSE:
            yield (*OBJECT_PATH, "quality", i), f"rule {rule['name']} is not acted on: {why}"
    for i, column in enumerate(schema["properties"]):
        for where in _constraints(i, column):
            yield where, f"{where[-1]} of column {column['name']} is not acted on: {why}"


def _constraints(i: int, column: Mapping[str, Any]) -> list[Path]:
    """Where a column limits its values."""
    path: Path = (*OBJECT_PATH, "properties", i)
    options = column.get("logicalTypeOptions") or {}
    enum: list[Path] = [(*path, "enum")] if "enum" in column else []
    return [*enum, *((*path, "logicalTypeOptions", key) for key in options if key != "timezone")]
