"""What commands work with: settings, warehouse and cluster of one environment, opened once."""

from headrace.operate.workspace import Workspace

__all__ = ["Workspace"]
