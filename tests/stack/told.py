"""What a command says to machines."""

from __future__ import annotations

import json
from typing import Any

from tests.stack.road import Road


def told(road: Road, *arguments: str) -> dict[str, Any]:
    """What a command says as JSON, before whatever its log says."""
    found: dict[str, Any] = json.JSONDecoder().raw_decode(road.headrace(*arguments, "-o", "json"))[0]
    return found
