"""The broken records are what they say, and stand at the same places in every run."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path

import pytest

from demo import broken, flights
from demo.broken import BROKEN
from demo.payload import Broken, good
from headrace.contract import rules
from headrace.contract.load import load_contract

ENUM = Path(__file__).parents[2] / "jvm/src/main/java/headrace/format/Reason.java"
DECODE_REASONS = {
    constant.lower() for constant in re.findall(r"^    ([A-Z][A-Z0-9_]+)[,;]", ENUM.read_text(), re.MULTILINE)
}
RULE_REASONS = {reason.value for reason in rules.ReasonCode}
UNREACHABLE = {
    "unknown_field",  # the contract ignores unknown fields
    "string_too_long",  # texts are STRING, without a length
    "too_short",  # no column has a minLength
    "kafka_time_out_of_range",  # the broker's clock gives these records their time
    "too_long",  # flight_id's pattern is stricter than its maxLength
}


def test_every_reason_that_the_contract_can_give_is_there() -> None:
    assert {bad.reason for bad in BROKEN} == (DECODE_REASONS | RULE_REASONS) - UNREACHABLE


def test_there_are_enough_of_them_and_no_two_alike() -> None:
    assert len({bad.payload for bad in BROKEN}) == len(BROKEN) >= 60
    assert len({bad.kind for bad in BROKEN}) >= 15


@pytest.mark.parametrize("bad", BROKEN, ids=lambda bad: f"{bad.kind}: {bad.why}")
def test_field_and_rule_are_the_contracts(bad: Broken) -> None:
    contract = load_contract("flights")
    promises = {(c.reason.value, c.field or None, c.rule) for c in rules.checks(contract)}

    assert bad.field is None or contract.column(bad.field)
    if bad.reason in RULE_REASONS:
        assert (bad.reason, bad.field, bad.rule) in promises
    else:
        assert bad.rule is None


def test_the_good_flight_has_every_column() -> None:
    assert list(json.loads(good())) == [c.name for c in load_contract("flights").columns]


def test_they_stand_among_the_flights() -> None:
    sent = [message.value for message in broken.mixed()]

    assert len(sent) == flights.FLIGHTS + len(BROKEN)
    places = range(broken.EVERY, len(sent), broken.EVERY + 1)
    assert [sent[place] for place in islice(places, len(BROKEN))] == [bad.payload for bad in BROKEN]


def test_the_counts_and_the_table_agree() -> None:
    assert sum(broken.by_reason().values()) == len(BROKEN)
    assert f"**{len(BROKEN)}**" in broken.kind_table().splitlines()[-1]
