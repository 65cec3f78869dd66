"""Plans that ran: what the state under their node ids means.

A plan is Flink's own document: only :mod:`headrace.job.state.meaning` looks into it. It is stored under the
hash of its bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from headrace.errors import LedgerError

Plan = Mapping[str, Any]
"""A compiled plan, with what the lock adds to it."""


def plan_bytes(plan: Plan) -> bytes:
    """The one byte form of a plan."""
    return json.dumps(plan, sort_keys=True).encode()


def plan_digest(plan: Plan) -> str:
    """SHA-256 of its bytes: the name under which it is kept."""
    return hashlib.sha256(plan_bytes(plan)).hexdigest()


def read_plan(raw: bytes, digest: str, where: str) -> Plan:
    """The plan that these bytes hold.

    Raises:
        LedgerError: they are not the ones that were stored.
    """
    if (actual := hashlib.sha256(raw).hexdigest()) != digest:
        raise LedgerError(
            f"a plan does not have the hash in its name: it is {actual}",
            where=where,
            remedy="restore it from the bucket's versions; nothing may write under _headrace but headrace",
        )
    plan: Plan = json.loads(raw)
    return plan
