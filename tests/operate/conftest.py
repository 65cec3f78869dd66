"""The project, the lake and the cluster, shared with the tests of the commands."""

from __future__ import annotations

from tests.cli.conftest import cluster, kafka, opened, project, sealed, workspace

__all__ = ["cluster", "kafka", "opened", "project", "sealed", "workspace"]
