"""What settings say of themselves; their files are covered where they are used."""

from __future__ import annotations

import pytest

from headrace.settings import KafkaSettings


@pytest.mark.parametrize(("prefix", "whole"), [("", "flights"), ("dev.", "dev.flights")])
def test_a_topic_has_the_prefix_of_its_environment(prefix: str, whole: str) -> None:
    assert KafkaSettings(topic_prefix=prefix).topic("flights") == whole
