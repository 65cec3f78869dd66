"""Where the project is, and which of its files are what: the five content folders have one address each."""

from __future__ import annotations

import os
import re
from pathlib import Path

from headrace.errors import UsageError

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Names of jobs and contracts: they become folders, table names, operator ids and application ids."""


def root() -> Path:
    """The project's folder: ``HEADRACE_PROJECT``, else the nearest folder upward that holds ``contracts/``.

    Raises:
        UsageError: neither exists.
    """
    if named := os.environ.get("HEADRACE_PROJECT"):
        return Path(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "contracts").is_dir():
            return folder
    raise UsageError(
        "no project here: no contracts/ folder in this one or above it",
        where=str(here),
        remedy="cd into the project, or set HEADRACE_PROJECT",
    )


def contract_path(name: str) -> Path:
    """The contract file of that id."""
    return root() / "contracts" / f"{require_name(name)}.odcs.yaml"


def lock_path(job: str) -> Path:
    """The lock beside the job's declaration."""
    return root() / "jobs" / f"{require_name(job)}.lock.json"


def sql_path(job: str, step: str) -> Path:
    """The file of a derive job's step."""
    return root() / "sql" / require_name(job) / f"{require_name(step)}.sql"


def contract_names() -> list[str]:
    """All contracts, by name."""
    return sorted(p.name.removesuffix(".odcs.yaml") for p in (root() / "contracts").glob("*.odcs.yaml"))


def job_names() -> list[str]:
    """All jobs, by name."""
    return sorted(p.stem for p in (root() / "jobs").glob("*.py") if not p.stem.startswith("_"))


def require_name(name: str) -> str:
    """The name itself, if it is one.

    Raises:
        UsageError: it is not lower-case letters, digits and underscores, or it holds ``__``.
    """
    if not NAME.fullmatch(name) or "__" in name:
        raise UsageError(
            f"{name!r} is not a valid name",
            remedy="use lower-case letters, digits and single underscores; begin with a letter",
        )
    return name
