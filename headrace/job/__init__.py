"""A job: its declaration, the statements it becomes, its lock, and the one way to start it.

``from headrace.job import Ingest, run`` is all that a file in ``jobs/`` needs.
"""

from headrace.job.declaration import Derive, Ingest
from headrace.job.run import run

__all__ = ["Derive", "Ingest", "run"]
