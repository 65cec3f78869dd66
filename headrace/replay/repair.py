"""A Python function that repairs payloads before a redrive: bytes in, bytes out, in ``repairs/``.

No function of ``udfs/``: those are part of jobs, and a new one makes their locks stale.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass

from headrace import project
from headrace.errors import UsageError

_PATH = re.compile(r"repairs\.([a-z][a-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_]*)")

Repair = Callable[[bytes], "bytes | None"]


@dataclass(frozen=True)
class Repaired:
    """One payload after the repair function."""

    payload: bytes | None
    changed: bool = False
    failed: str = ""
    """The kind of what it raised. Never its message: that may hold what is in the payload."""


def load_repair(path: str) -> Repair:
    """The function.

    Raises:
        UsageError: there is none, or its file raises.
    """
    match = _PATH.fullmatch(path)
    if not match:
        raise UsageError(f"{path!r} is not the address of a function", remedy="write repairs.module.function")
    module, name = match.groups()
    where = f"repairs/{module}.py"
    if not (project.root() / where).is_file():
        raise UsageError(
            "there is no such file", where=where, remedy=f"write def {name}(payload: bytes) -> bytes"
        )
    spec = importlib.util.spec_from_file_location(f"repairs.{module}", project.root() / where)
    if spec is None or spec.loader is None:
        raise UsageError("the file is not Python", where=where)
    loaded = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(loaded)
    except (Exception, SystemExit) as e:
        raise UsageError(f"the file raises {type(e).__name__}", where=where, remedy="correct it") from e
    function = getattr(loaded, name, None)
    if not callable(function):
        raise UsageError(
            f"the file has no function {name}",
            where=where,
            remedy=f"write def {name}(payload: bytes) -> bytes; return the payload unchanged if it needs no"
            " repair",
        )
    repair: Repair = function
    return repair


def apply_repair(repair: Repair, payload: bytes | None) -> Repaired:
    """A payload after the repair function; a record without one has nothing to repair.

    Raises:
        UsageError: it gives something that is neither bytes nor None.
    """
    if payload is None:
        return Repaired(None)
    try:
        fresh = repair(payload)
    except (Exception, SystemExit) as e:  # noqa: BLE001 - whatever it raises, the record stays where it is
        return Repaired(payload, failed=type(e).__name__)
    if fresh is not None and not isinstance(fresh, bytes):
        raise UsageError(
            f"the function gives a {type(fresh).__name__}", remedy="give bytes, or None for nothing"
        )
    return Repaired(payload) if fresh is None or fresh == payload else Repaired(fresh, changed=True)
