"""Which keys of the Open Data Contract Standard are supported; every other key is an error.

The standard's own model ignores unknown keys below the root, and knows many that headrace does not implement.
A key that is accepted and ignored is a silently broken promise, so each key is in exactly one of four lists:
used, documentation (it promises nothing), idle (nothing here keeps its promise: ``check`` warns), or refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import ValidationError

from headrace.contract.column_type import (
    BooleanType,
    ColumnType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    StringType,
    TimestampType,
)
from headrace.contract.document import Document, Path

_PROSE = "id authoritativeDefinitions tags description"


@dataclass(frozen=True)
class Keys:
    """The keys of one kind of mapping. ``idle`` has the reasons, ``refused`` what to do instead."""

    used: frozenset[str]
    documentation: frozenset[str]
    idle: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def accepted(self) -> frozenset[str]:
        """Every key that is allowed."""
        return self.used | self.documentation | self.idle.keys()


def _keys(
    used: str,
    documentation: str,
    idle: Mapping[str, str] | None = None,
    refused: Mapping[str, str] | None = None,
) -> Keys:
    return Keys(frozenset(used.split()), frozenset(documentation.split()), idle or {}, refused or {})


_NO_PROPERTY = {"customProperties": "only those of the contract itself are read"}
_NO_ACCESS = {"roles": "no access is granted or checked"}
_NO_REFERENCE = {"relationships": "no reference is checked: each record is judged on its own"}
NO_SERVICE_LEVEL = "no service level is measured"
_NO_ADDRESS = "addresses are in deploy/env, one file per environment"


ROOT = _keys(
    "apiVersion kind id version description team servers schema customProperties",
    "name tenant tags status dataProduct domain support price authoritativeDefinitions context"
    " contractCreatedTs",
    {"slaDefaultElement": NO_SERVICE_LEVEL, "slaProperties": NO_SERVICE_LEVEL, **_NO_ACCESS},
)
DESCRIPTION = _keys("purpose", "usage limitations authoritativeDefinitions", _NO_PROPERTY)
TEAM = _keys("name", f"{_PROSE} members", _NO_PROPERTY)
SERVER = _keys(
    "type format location server",
    f"{_PROSE} host",  # the standard wants one for Kafka
    {"environment": _NO_ADDRESS, "endpointUrl": _NO_ADDRESS, **_NO_ACCESS, **_NO_PROPERTY},
    {"encoding": "remove it: JSON is UTF-8", "delimiter": "remove it: one Kafka record is one JSON object"},
)
OBJECT = _keys(
    "name physicalName physicalType logicalType properties quality",
    f"{_PROSE} businessName deprecated synonyms dataGranularityDescription context",
    _NO_REFERENCE,
    {"customProperties": "move them to the contract's own customProperties"},
)
PROPERTY = _keys(
    "name logicalType physicalType physicalName required primaryKey primaryKeyPosition logicalTypeOptions"
    " enum description classification semanticType quality",
    f"{_PROSE} businessName deprecated synonyms transformSourceObjects transformDescription examples"
    " criticalDataElement",
    {"transformLogic": "a column is computed by the SQL of the job", **_NO_REFERENCE},
    {
        "properties": "nested objects are not supported: flatten it into columns",
        "items": "arrays are not supported: flatten it into columns",
        "map": "maps are not supported: flatten it into columns",
        "unique": "no single record can prove it: use primaryKey for the columns that identify a row",
        "partitioned": "write customProperties partitionBy: day(column)",
        "partitionKeyPosition": "write customProperties partitionBy: day(column)",
        "encryptedName": "protection of columns is not supported yet: do not send clear values to this topic",
        "customProperties": "a column has none",
    },
)
QUALITY = _keys(
    "name type engine implementation severity",
    f"{_PROSE} businessImpact dimension",
    None,
    {
        "query": "use type custom, engine headrace, and a condition on one row as implementation",
        "metric": "use required, enum, pattern, minimum or maximum of the column",
        "rule": "use required, enum, pattern, minimum or maximum of the column",
        "schedule": "remove it: each record is judged as it is read",
        "scheduler": "remove it: each record is judged as it is read",
    },
)
ENUM_VALUE = _keys("value", f"{_PROSE} label", _NO_PROPERTY)
CUSTOM_PROPERTY = _keys("property value", "id description vendor")

RANGE = frozenset({"minimum", "maximum"})
OPTIONS: Mapping[type[ColumnType], frozenset[str]] = {
    StringType: frozenset({"pattern", "minLength", "maxLength"}),
    IntegerType: RANGE,
    DecimalType: RANGE,
    DoubleType: RANGE,
    BooleanType: frozenset(),
    DateType: RANGE,
    TimestampType: RANGE,
}
"""What ``logicalTypeOptions`` may contain, by type of column."""

INSTEAD = {
    "exclusiveMinimum": "use minimum, or a rule in the schema's quality",
    "exclusiveMaximum": "use maximum, or a rule in the schema's quality",
    "multipleOf": "choose DECIMAL(p,s) for the step",
    "format": "use pattern for strings and physicalType for numbers; dates and times are ISO 8601",
    "timezone": "remove it: a timestamp is an instant, and the JSON value contains its zone",
    "defaultTimezone": "remove it: a timestamp is an instant, and the JSON value contains its zone",
}


def check_shape(document: Document) -> None:
    """Record where the document does not match the standard's own model."""
    try:
        OpenDataContractStandard.model_validate(_floats(document.data), strict=True)
    except ValidationError as e:
        for error in e.errors():
            path = _nearest(document, error["loc"])
            if error["type"] != "extra_forbidden":  # unknown keys are reported below, with a remedy
                key = ".".join(str(k) for k in path) or "the contract"
                document.problem(path, f"{key}: {error['msg']}", "see the Open Data Contract Standard 3.2")


def _floats(value: Any) -> Any:
    """Exact decimals as floats, as the standard's model expects."""
    if isinstance(value, dict):
        return {k: _floats(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_floats(v) for v in value]
    return float(value) if isinstance(value, Decimal) else value


def _nearest(document: Document, location: tuple[int | str, ...]) -> Path:
    """The path in the file: pydantic puts names of union members into its locations."""
    path: Path = ()
    for key in location:
        if (*path, key) in document.lines:
            path = (*path, key)
    return path


def check_keys(document: Document, path: Path, mapping: Mapping[str, object], keys: Keys) -> None:
    """Record every refused or unknown key of one mapping."""
    for key in mapping:
        if key in keys.accepted:
            continue
        if key in keys.refused:
            document.problem((*path, key), f"{key} is not supported", keys.refused[key])
        else:
            document.problem((*path, key), f"unknown key {key}", suggestion(key, keys.accepted))


def suggestion(name: str, known: frozenset[str]) -> str:
    """The known name that was probably meant."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else f"use one of: {', '.join(sorted(known))}"
