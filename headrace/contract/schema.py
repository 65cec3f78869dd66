"""The one schema object of a contract: its columns, its key, and the rules that hold for each row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.contract.column_type import ColumnType
from headrace.contract.columns import NAME, read_column
from headrace.contract.document import Document, Path
from headrace.contract.expression import render
from headrace.contract.model import Column, Rule
from headrace.contract.standard import OBJECT, QUALITY, check_keys
from headrace.contract.typed import RefusalError

OBJECT_PATH: Path = ("schema", 0)
_ENUM_SINCE = re.compile(r"v3\.[01]\.")


def read_schema(document: Document) -> tuple[tuple[Column, ...], tuple[str, ...], tuple[Rule, ...]]:
    """Columns, primary key and rules; problems are recorded."""
    objects = document.data.get("schema") or []
    if len(objects) != 1:
        what = f"the schema has {len(objects)} objects"
        document.problem(("schema",), what, "one contract describes one topic and one table")
        return (), (), ()
    schema = objects[0]
    check_keys(document, OBJECT_PATH, schema, OBJECT)
    _check_object(document, schema)
    properties = schema.get("properties") or []
    columns = _columns(document, properties)
    return columns, _primary_key(document, properties), _rules(document, schema.get("quality") or (), columns)


def _check_object(document: Document, schema: Mapping[str, Any]) -> None:
    id_ = str(document.data.get("id"))
    if schema.get("name") != id_ and NAME.fullmatch(id_):
        what = f"the schema object is called {schema.get('name')}, the contract {id_}"
        document.problem((*OBJECT_PATH, "name"), what, "give both the same name: it is the name of the table")
    if schema.get("physicalType") not in (None, "topic", "table"):
        what = f"physicalType {schema['physicalType']} is not supported"
        remedy = "write physicalType: topic; or table, for a table that a derive job writes"
        document.problem((*OBJECT_PATH, "physicalType"), what, remedy)
    if schema.get("logicalType") not in (None, "object"):
        what = f"logicalType {schema['logicalType']} of the schema is not supported"
        document.problem((*OBJECT_PATH, "logicalType"), what, "write logicalType: object")
    if not schema.get("properties"):
        document.problem(OBJECT_PATH, "the schema has no columns", "list them as properties")


def _columns(document: Document, properties: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    columns: dict[str, Column] = {}
    for i, raw in enumerate(properties):
        path: Path = (*OBJECT_PATH, "properties", i)
        column = read_column(document, path, raw)
        if "enum" in raw and _ENUM_SINCE.match(str(document.data.get("apiVersion"))):
            what = f"enum requires apiVersion v3.2.0, and the contract says {document.data['apiVersion']}"
            document.problem((*path, "enum"), what, "write apiVersion: v3.2.0")
        if column is None:
            continue
        if column.name in columns:
            what = f"column {column.name} appears twice, first in line {columns[column.name].line}"
            document.problem((*path, "name"), what, "remove or rename one of them")
        columns.setdefault(column.name, column)
    return tuple(columns.values())


def _primary_key(document: Document, properties: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The key columns, in the order of their positions."""
    key: dict[int, str] = {}
    for i, raw in enumerate(properties):
        path: Path = (*OBJECT_PATH, "properties", i)
        name, position = raw.get("name"), raw.get("primaryKeyPosition")
        if not raw.get("primaryKey"):
            if position not in (None, -1):
                document.problem(
                    (*path, "primaryKeyPosition"),
                    f"column {name} is not part of the primary key",
                    "add primaryKey: true",
                )
            continue
        if not raw.get("required"):
            what = f"column {name} is part of the primary key but not required"
            document.problem((*path, "primaryKey"), what, "add required: true")
        place = 1 if position is None else position
        if place in key or place < 1:
            what = f"column {name} has no position of its own in the primary key"
            document.problem(
                (*path, "primaryKey"), what, "number the key's columns: primaryKeyPosition: 1, 2, …"
            )
        key[place] = str(name)
    return tuple(key[place] for place in sorted(key))


def _rules(
    document: Document, quality: Sequence[Mapping[str, Any]], columns: Sequence[Column]
) -> tuple[Rule, ...]:
    types = {c.name: c.type for c in columns}
    rules: dict[str, Rule] = {}
    for i, raw in enumerate(quality):
        path: Path = (*OBJECT_PATH, "quality", i)
        if raw.get("type") == "text":  # prose for people: no engine evaluates it
            continue
        rule = _rule(document, path, raw, types)
        if rule is not None and rule.name in rules:
            what = f"rule {rule.name} appears twice, first in line {rules[rule.name].line}"
            document.problem((*path, "name"), what, "rename one of them")
        elif rule is not None:
            rules[rule.name] = rule
    return tuple(rules.values())


def _rule(
    document: Document, path: Path, raw: Mapping[str, Any], types: Mapping[str, ColumnType]
) -> Rule | None:
    name, text = raw.get("name"), raw.get("implementation")
    if raw.get("type") != "custom" or raw.get("engine") != "headrace":
        _note_other_engine(document, path, raw)
        return None
    check_keys(document, path, raw, QUALITY)
    if raw.get("severity") not in (None, "error"):
        what = f"severity {raw['severity']} is not supported: a rule holds or the record is in quarantine"
        document.problem((*path, "severity"), what, "remove it")
    if not name or not NAME.fullmatch(name):
        what = f"{name!r} is not a rule name" if name else "the rule has no name"
        document.problem((*path, "name"), what, "use lower-case letters, digits and _; quarantine shows it")
        return None
    return _rendered(document, (*path, "implementation"), name, text, types)


def _note_other_engine(document: Document, path: Path, raw: Mapping[str, Any]) -> None:
    # The standard's default type is library.
    what = f"quality of type {raw.get('type') or 'library'}, engine {raw.get('engine') or 'none'}"
    remedy = "write type: custom, engine: headrace, and a condition on one row as implementation"
    key = "engine" if raw.get("type") == "custom" and "engine" in raw else "type"
    document.problem((*path, key), f"{what}, is not supported", remedy)


def _rendered(
    document: Document, path: Path, name: str, text: Any, types: Mapping[str, ColumnType]
) -> Rule | None:
    if not isinstance(text, str):
        document.problem(path, f"rule {name} has no condition", "write implementation: a > 0")
        return None
    try:
        return Rule(name, render(text, types), text, document.line(path))
    except RefusalError as e:
        document.problem(path, f"rule {name}: {e.what}", e.remedy)
        return None
