"""Repairs payloads before they are judged again."""

import json


def number(payload: bytes) -> bytes:
    """An amount that was sent with its currency."""
    document = json.loads(payload)
    document["amount"] = document["amount"]["usd"]
    return json.dumps(document).encode()
