"""Every way in which one line of a contract is refused: the line, a sentence, and a remedy."""

from __future__ import annotations

import pytest

from tests.contract.orders_contract import Edit

ID = "      - name: id\n        logicalType: string\n        required: true\n"
PIECES = "      - name: pieces\n        logicalType: integer\n        physicalType: INT"
PRICE = "DECIMAL(10,2)"
GIFT = "      - name: gift\n        logicalType: boolean"
RULE = "implementation: shipped >= placed"

REFUSED = {
    # name: (old, new, sentence, remedy begins)
    "api version": ("v3.2.0", "v2.2.2 # <-", "apiVersion is 'v2.2.2'", "write apiVersion: v3.2.0"),
    "kind": ("DataContract", "Pipeline # <-", "kind is 'Pipeline'", "write kind"),
    "id no name": ("id: orders", "id: Orders # <-", "id 'Orders' is not a name", "use lower-case"),
    "version": ("1.2.3", "v1 # <-", "version v1 is not major.minor.patch", "write version: 1.0.0"),
    "owner": (
        "team:\n  name: shop\n",
        "team: # <-\n  description: us\n",
        "the contract has no owner",
        "write team:",
    ),
    "topic name": (
        "physicalName: shop.orders",
        "physicalName: shop/orders # <-",
        "'shop/orders' is not a topic name",
        "use at most 249",
    ),
    "kafka format": (
        "    host: localhost:9092\n    format: json",
        "    format: avro # <-",
        "the format of the kafka server is avro",
        "write format: json",
    ),
    "s3 format": ("format: delta", "format: parquet # <-", "the format of the s3 server is parquet", "write"),
    "location": (
        "s3://lake/orders",
        "s3://lake/sales # <-",
        "location s3://lake/sales does not end in /orders",
        "the table's folder",
    ),
    "server type": ("type: s3", "type: mysql # <-", "a server of type mysql is not supported", "use kafka"),
    "schema name": (
        "- name: orders",
        "- name: order # <-",
        "the schema object is called order, the contract orders",
        "give both",
    ),
    "schema type": ("Type: topic", "Type: view # <-", "physicalType view is not supported", "write"),
    "unknown root key": ("status:", "statsu: x # <-\nstatus:", "unknown key statsu", "did you mean status?"),
    "unknown column key": (
        PIECES,
        PIECES.replace("\n", "\n        requierd: true # <-\n", 1),
        "unknown key requierd",
        "did you mean required?",
    ),
    "column name": ("- name: gift", "- name: Gift # <-", "'Gift' is not a column name", "use lower-case"),
    "metadata name": ("- name: gift", "- name: _offset # <-", "'_offset' is not a column name", "use lower"),
    "quoting": ("- name: gift", "- name: 'a`b' # <-", "'a`b' is not a column name", "use lower-case"),
    "column twice": (
        "- name: gift",
        "- name: price # <-",
        "column price appears twice, first in line 47",
        "rem",
    ),
    "array": (
        "logicalType: boolean",
        "logicalType: array # <-",
        "column gift: logicalType array is not",
        "use",
    ),
    "time": (
        "logicalType: boolean",
        "logicalType: time # <-",
        "column gift: logicalType time is not",
        "use one",
    ),
    "nested": (
        GIFT,
        GIFT + "\n        properties: # <-\n          - name: x\n            logicalType: string",
        "properties is not supported",
        "nested objects",
    ),
    "unique": (GIFT, GIFT + "\n        unique: true # <-", "unique is not supported", "no single record"),
    "partitioned": (
        GIFT,
        GIFT + "\n        partitioned: true # <-",
        "partitioned is not supported",
        "write cus",
    ),
    "classification": (
        GIFT,
        GIFT + "\n        classification: restricted # <-",
        "column gift: protection of classified columns is not supported yet",
        "do not send",
    ),
    "column quality": (
        GIFT,
        GIFT + "\n        quality:\n          - {type: library, metric: nullValues, mustBe: 0} # <-",
        "column gift: quality of a column is not supported",
        "write the rule under",
    ),
    "other name in JSON": (
        GIFT,
        GIFT + "\n        physicalName: present # <-",
        "column gift: physicalName differs from name",
        "remove it",
    ),
    "number without physical type": (
        f"      - name: price\n        logicalType: number\n        physicalType: {PRICE}\n",
        "      - name: price # <-\n        logicalType: number\n",
        "column price: a number needs a physicalType, not none",
        "write DECIMAL(p,s)",
    ),
    "precision": (
        PRICE,
        "DECIMAL(39,2) # <-",
        "column price: a number needs a physicalType, not DECIMAL(39,2)",
        "",
    ),
    "scale": (
        PRICE,
        "DECIMAL(2,3) # <-",
        "column price: a number needs a physicalType, not DECIMAL(2,3)",
        "",
    ),
    "small integer": (
        "physicalType: INT",
        "physicalType: SMALLINT # <-",
        "column pieces: physicalType SMALLINT",
        "",
    ),
    "varchar": (
        GIFT,
        GIFT + "\n        physicalType: VARCHAR(3) # <-",
        "column gift: physicalType VARCHAR(3)",
        "",
    ),
    "option of other kind": (
        "minimum: 0.10",
        "pattern: x # <-",
        "column price: pattern is not supported for decimal(10,2)",
        "use one of: maximum, minimum",
    ),
    "exclusive bound": (
        "minimum: 0.10",
        "exclusiveMinimum: 0 # <-",
        "column price: exclusiveMinimum is not supported",
        "use minimum, or a rule",
    ),
    "format": (
        "maxLength: 12",
        "format: email # <-",
        "column id: format is not supported for string",
        "use pattern",
    ),
    "bound of other type": (
        "minimum: 0.10",
        "minimum: '0.10' # <-",
        "column price: minimum 0.10 does not fit",
        "write",
    ),
    "bound too wide": (
        "minimum: 1\n",
        "minimum: -9999999999 # <-\n",
        "column pieces: minimum -9999999999 does",
        "wr",
    ),
    "bound no whole number": (
        "minimum: 1\n",
        "minimum: 0.5 # <-\n",
        "column pieces: minimum 0.5 does not fit",
        "wr",
    ),
    "bounds swapped": (
        "minimum: 1\n",
        "minimum: 1001 # <-\n",
        "column pieces: minimum 1001 is above the maximum",
        "",
    ),
    "no such day": (
        "'2020-01-01'",
        "'2020-02-30' # <-",
        "column day: minimum 2020-02-30 does not fit date",
        "",
    ),
    "moment without zone": (
        "'2030-01-01T00:00:00+01:00'",
        "'2030-01-01T00:00:00' # <-",
        "column placed: maximum 2030-01-01T00:00:00 does not fit timestamp",
        "write a timestamp with its zone",
    ),
    "length": (
        "minLength: 3",
        "minLength: -1 # <-",
        "column id: minLength -1 is not a length",
        "write a whole number",
    ),
    "lengths swapped": (
        "minLength: 3",
        "minLength: 13 # <-",
        "column id: minLength 13 is above the maximum 12",
        "",
    ),
    "pattern": (
        "'[A-Z]{2}'",
        "'[A-Z' # <-",
        "column country: pattern [A-Z: the '[' at character 1 is not closed",
        "write \\[ for the character",
    ),
    "pattern that Java reads for ever": (
        "'[A-Z]{2}'",
        "'.*@.*\\..*' # <-",
        "column country: pattern .*@.*\\..*: the same text can be divided between .* and another .* in",
        "let alternatives begin with different characters, and let no part take what the next",
    ),
    "enum of other type": (
        "- value: 2",
        "- value: two # <-",
        "column shop: enum value 'two' is not a whole number",
        "wr",
    ),
    "enum twice": ("- value: 2", "- value: 1 # <-", "column shop: enum value 1 appears twice", "remove"),
    "enum without use": (
        "physicalType: DOUBLE\n",
        "physicalType: DOUBLE\n        enum: # <-\n          - value: 1\n",
        "column weight: an enum is not supported for double",
        "use a rule",
    ),
    "key not required": (
        ID + "        primaryKey: true",
        ID.replace("required: true", "required: false") + "        primaryKey: true # <-",
        "column id is part of the primary key but not required",
        "add required: true",
    ),
    "key places": (
        "        primaryKey: true\n        primaryKeyPosition: 1",
        "        primaryKey: true # <-\n        primaryKeyPosition: 2",
        "column shop has no position of its own in the primary key",
        "number the key's columns",
    ),
    "sql quality": (
        "        type: custom\n        engine: headrace\n        " + RULE,
        "        type: sql # <-\n        query: SELECT 1\n        mustBe: 1",
        "quality of type sql, engine none, is not supported",
        "write type: custom",
    ),
    "other engine": (
        "engine: headrace",
        "engine: soda # <-",
        "quality of type custom, engine soda, is not",
        "wri",
    ),
    "severity": (
        "engine: headrace",
        "engine: headrace\n        severity: warning # <-",
        "severity warning is not",
        "",
    ),
    "rule name": (
        "- name: ships_after_order",
        "- name: Ships after # <-",
        "'Ships after' is not a rule name",
        "use",
    ),
    "clock in a rule": (
        RULE,
        "implementation: shipped < NOW() # <-",
        "rule ships_after_order: NOW is not det",
        "com",
    ),
    "text against number": (
        RULE,
        "implementation: id > 5 # <-",
        "rule ships_after_order: id (string) is",
        "compare",
    ),
    "custom property": (
        "property: maxFuture",
        "property: maxPast # <-",
        "unknown custom property maxPast",
        "use one",
    ),
    "custom property twice": (
        "property: maxFuture",
        "property: eventTime # <-",
        "eventTime appears twice",
        "remove",
    ),
    "topic partitions": ("value: 4", "value: four # <-", "topicPartitions is four", "write a number of"),
    "event time unknown": (
        "value: placed",
        "value: palced # <-",
        "eventTime palced is not a column",
        "name a",
    ),
    "event time nullable": (
        "value: placed",
        "value: shipped # <-",
        "eventTime shipped is not required, and a timestamp",
        "name a required timestamp",
    ),
    "event time a date": ("value: placed", "value: day # <-", "eventTime day is a date", "name a required"),
    "duration": (
        "PT3H",
        "P1M # <-",
        "watermarkDelay: 'P1M' is not an ISO 8601 duration",
        "write it as in P1D",
    ),
    "long future": ("PT1H30M", "P100D # <-", "maxFuture P100D is over 99 days", "that is the longest"),
    "unknown fields": (
        "value: reject",
        "value: keep # <-",
        "unknownFields is keep",
        "write ignore or reject",
    ),
    "transform": (
        "[day(placed), month(day)]",
        "hour(placed) # <-",
        "partitionBy hour(placed) is not supported",
        "wr",
    ),
    "partition by text": (
        "[day(placed), month(day)]",
        "day(country) # <-",
        "country is a string",
        "name a required",
    ),
    "partition by nullable": (
        "[day(placed), month(day)]",
        "day(shipped) # <-",
        "shipped is not required, and a",
        "",
    ),
    "partition twice": ("month(day)]", "day(placed)] # <-", "day(placed) appears twice", "remove one"),
    "partition clash": (
        "[day(placed), month(day)]",
        "[month(day), day(shipped_at)] # <-",
        "shipped_at is not a column",
        "name a required date or timestamp",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_fault_one_error_with_its_line(case: str, edited: Edit) -> None:
    old, new, sentence, remedy = REFUSED[case]
    spoilt = edited(old, new)
    errors = spoilt.errors()
    assert [e.what[: len(sentence)] for e in errors] == [sentence]
    assert errors[0].where.endswith(f"orders.odcs.yaml:{spoilt.line}")
    assert errors[0].remedy.startswith(remedy)
    assert errors[0].remedy
