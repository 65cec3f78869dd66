"""One small contract with every kind of column, and a way to spoil one line of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headrace.contract.load import examine
from headrace.errors import ContractError

MARK = "# <-"
ORDERS = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.2.3
status: active
description:
  purpose: Orders as they are placed.
team:
  name: shop
servers:
  - server: topic
    type: kafka
    host: localhost:9092
    format: json
  - server: table
    type: s3
    location: s3://lake/orders
    format: delta
schema:
  - name: orders
    physicalType: topic
    physicalName: shop.orders
    logicalType: object
    properties:
      - name: id
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 2
        logicalTypeOptions:
          minLength: 3
          maxLength: 12
      - name: shop
        logicalType: integer
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        enum:
          - value: 1
          - value: 2
      - name: pieces
        logicalType: integer
        physicalType: INT
        logicalTypeOptions:
          minimum: 1
          maximum: 1000
      - name: price
        logicalType: number
        physicalType: DECIMAL(10,2)
        logicalTypeOptions:
          minimum: 0.10
      - name: weight
        logicalType: number
        physicalType: DOUBLE
        logicalTypeOptions:
          maximum: 30.5
      - name: gift
        logicalType: boolean
      - name: country
        logicalType: string
        required: true
        enum:
          - value: 'NO'
          - value: DE
        logicalTypeOptions:
          pattern: '[A-Z]{2}'
      - name: day
        logicalType: date
        required: true
        logicalTypeOptions:
          minimum: '2020-01-01'
      - name: placed
        logicalType: timestamp
        required: true
        logicalTypeOptions:
          maximum: '2030-01-01T00:00:00+01:00'
      - name: shipped
        logicalType: timestamp
    quality:
      - name: ships_after_order
        type: custom
        engine: headrace
        implementation: shipped >= placed
      - type: text
        description: Orders look like orders.
customProperties:
  - property: topicPartitions
    value: 4
  - property: eventTime
    value: placed
  - property: watermarkDelay
    value: PT3H
  - property: maxFuture
    value: PT1H30M
  - property: unknownFields
    value: reject
  - property: partitionBy
    value: [day(placed), month(day)]
"""


@dataclass(frozen=True)
class Spoilt:
    """A contract file after an edit, and the line that the edit marked."""

    path: Path
    line: int

    def errors(self) -> list[ContractError]:
        contract, errors = examine(self.path)
        assert (contract is None) == bool(errors)
        return errors

    def problems(self) -> list[tuple[str, str]]:
        """Each error as file:line and sentence."""
        return [(e.where.rpartition("/")[2], e.what) for e in self.errors()]


Edit = Callable[..., Spoilt]
