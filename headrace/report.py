"""How a job's `main`, or its compilation, leaves its error for the process that started it.

Flink's client hides exit codes, and prints stack traces among its own lines: the file holds the error alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.errors import HeadraceError

REPORT = "HEADRACE_REPORT"
"""Names the file in the environment."""


def report_error(error: HeadraceError) -> int:
    """Write an error to stderr, and to the file if one is named; returns the exit code."""
    sys.stderr.write(f"error: {error}\n")
    if place := os.environ.get(REPORT):
        Path(place).write_text(json.dumps({**error.to_json(), "exit_code": error.exit_code}))
    return error.exit_code


def read_report(path: Path) -> HeadraceError | None:
    """The error in such a file, if there is one."""
    return error_from_json(json.loads(path.read_text())) if path.is_file() else None


def error_from_json(own: Mapping[str, Any]) -> HeadraceError:
    """The error that was written there."""
    error = HeadraceError(own["what"], where=own["where"], remedy=own["remedy"])
    error.exit_code, error.code = own["exit_code"], own["error"]
    return error
