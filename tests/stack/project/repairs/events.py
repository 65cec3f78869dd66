"""What puts payloads right before they are judged once more."""

import json


def number(payload: bytes) -> bytes:
    """An amount that was sent with its currency."""
    document = json.loads(payload)
    document["amount"] = document["amount"]["usd"]
    return json.dumps(document).encode()
