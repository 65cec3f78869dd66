"""Runs a `headrace` command and parses its JSON output."""

from __future__ import annotations

import json
from typing import Any

from tests.stack.road import Road


def run_json(road: Road, *arguments: str) -> dict[str, Any]:
    """Run a command with ``-o json``; returns its document, which comes before any log lines."""
    answer: dict[str, Any] = json.JSONDecoder().raw_decode(road.headrace(*arguments, "-o", "json"))[0]
    return answer
