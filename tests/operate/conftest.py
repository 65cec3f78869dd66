"""The project, the lake and the cluster that the commands' tests have too."""

from __future__ import annotations

from tests.cli.conftest import cluster, kafka, opened, project, sealed, workspace

__all__ = ["cluster", "kafka", "opened", "project", "sealed", "workspace"]
