"""Parts of a contract that nothing acts on are named with their line; what promises nothing is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contract.load import find_unused, load
from tests.contract.orders_contract import Edit

ROOT = Path(__file__).parents[2]
KAFKA = "    type: kafka\n"
OBJECT = "    logicalType: object\n"
GIFT = "      - name: gift\n"
PROSE = "      - type: text\n        description: Orders look like orders.\n"
SLA = """\
status: active
slaProperties: # <-
  - property: latency
    value: 4
    unit: d
  - property: retention
    value: 3
    unit: y
"""

IDLE = {
    "service levels": (
        "status: active\n",
        SLA,
        "slaProperties (latency, retention) is not acted on: no service level is measured",
    ),
    "roles": (
        "status: active\n",
        "status: active\nroles: # <-\n  - role: reader\n    access: read\n",
        "roles (reader) is not acted on: no access is granted",
    ),
    "property of the team": (
        "  name: shop\n",
        "  name: shop\n  customProperties: # <-\n    - property: slack\n      value: x\n",
        "team.customProperties (slack) is not acted on: only those of the contract",
    ),
    "environment of a server": (
        KAFKA,
        KAFKA + "    environment: prod # <-\n",
        "servers.environment is not acted on: addresses are in deploy/env",
    ),
    "relationships": (
        OBJECT,
        OBJECT + "    relationships: # <-\n      - from: orders.shop\n        to: shops.id\n",
        "schema.relationships (shops.id) is not acted on: no reference is checked",
    ),
    "logic of a column": (
        GIFT,
        GIFT + "        transformLogic: price > 0 # <-\n",
        "schema.properties.transformLogic is not acted on: a column is computed by the SQL",
    ),
    "prose of a column": (
        GIFT,
        GIFT + "        quality:\n          - type: text # <-\n            description: Looks nice.\n",
        "quality of type text is not acted on: it is prose",
    ),
    "prose of the schema": (
        "      - name: ships_after_order\n",
        "      - type: text # <-\n        name: polite\n      - name: ships_after_order\n",
        "quality polite of type text is not acted on: it is prose",
    ),
    "another vendor's property": (
        "customProperties:\n",
        "customProperties:\n  - property: color # <-\n    value: red\n    vendor: acme\n",
        "customProperties color is not acted on: it belongs to acme",
    ),
}


@pytest.mark.parametrize("case", IDLE)
def test_what_is_idle_is_named_with_its_line(case: str, edited: Edit) -> None:
    old, new, sentence = IDLE[case]
    spoilt = edited(old, new, PROSE, "")
    load(spoilt.path)

    (warning,) = find_unused(spoilt.path).warnings

    assert warning.startswith(f"{spoilt.path}:{spoilt.line}: {sentence}")


def test_a_derived_table_is_not_judged(tmp_path: Path) -> None:
    text = (ROOT / "contracts" / "departures_hourly.odcs.yaml").read_text()
    column = "        description: The airport.\n"
    assert text.count(column) == 1
    options = "        enum:\n          - value: JFK\n        logicalTypeOptions:\n          maxLength: 3\n"
    rule = "    quality:\n      - name: some\n        type: custom\n        engine: headrace\n"
    text = text.replace(column, column + options).replace(
        "\ncustomProperties:", rule + "        implementation: scheduled > 0\n\ncustomProperties:"
    )
    path = tmp_path / "departures_hourly.odcs.yaml"
    path.write_text(text)
    load(path)

    assert [w.split(": ")[1] for w in find_unused(path).warnings] == [
        "enum of column origin is not acted on",
        "maxLength of column origin is not acted on",
        "rule some is not acted on",
    ]


def test_what_promises_nothing_is_listed(edited: Edit) -> None:
    support = "support:\n  - channel: x\n    url: http://x\n"
    path = edited("status: active\n", f"status: active\ntags: [a]\n{support}", PROSE, "").path

    unused = find_unused(path)

    assert unused.warnings == []
    assert unused.documentation == {"status", "tags", "support", "servers.host"}


@pytest.mark.parametrize("path", sorted((ROOT / "contracts").glob("*.odcs.yaml")), ids=lambda p: p.name)
def test_the_projects_own_contracts_promise_only_what_is_kept(path: Path) -> None:
    assert find_unused(path).warnings == []
