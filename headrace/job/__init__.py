"""A job: its declaration, the statements it becomes, its lock, and the one way to start it.

``from headrace.job import Ingest, run`` is all that a file in ``jobs/`` needs. The code that starts a job is
imported when ``run`` is first used: ``headrace check`` only reads declarations, and must not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.job.declaration import Derive, Ingest

if TYPE_CHECKING:
    from headrace.job.start.submit import run
else:

    def __getattr__(name: str) -> object:
        if name != "run":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from headrace.job.start.submit import run  # noqa: PLC0415 - it imports the ledger and Delta, which takes long

        return run


__all__ = ["Derive", "Ingest", "run"]
