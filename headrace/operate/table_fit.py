"""What ``headrace plan`` asks the warehouse: whether the published tables can follow the contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import ClusterError, DecisionNeeded, UsageError
from headrace.publish.fit import misfits

if TYPE_CHECKING:
    from headrace.job.program import Program
    from headrace.operate.workspace import Workspace
    from headrace.publish.fit import Misfit


@dataclass(frozen=True)
class Compared:
    """Whether the tables of a job can follow its contracts."""

    warehouse: str
    misfits: tuple[Misfit, ...] = ()
    unreached: str = ""
    """Why the tables were not compared; empty if they were."""

    def refuse(self) -> None:
        """Refuse a contract that a table cannot follow, while the job still runs.

        Raises:
            DecisionNeeded: names each table, and what it cannot follow.
        """
        if self.misfits:
            raise DecisionNeeded(
                "; ".join(f"table {m.table}: {m.what}" for m in self.misfits),
                where=self.warehouse,
                remedy="; ".join(dict.fromkeys(m.remedy for m in self.misfits)),
                tables={m.table: m.what for m in self.misfits},
            )

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {
            "compared": not self.unreached,
            "unreached": self.unreached,
            "misfits": [{"table": m.table, "what": m.what, "remedy": m.remedy} for m in self.misfits],
        }

    def sentence(self) -> str:
        """One line for the plan's page."""
        if self.unreached:
            return (
                f"not compared with {self.warehouse}; `run` and `publish` will compare them: {self.unreached}"
            )
        if self.misfits:
            return f"{', '.join(dict.fromkeys(m.table for m in self.misfits))} cannot follow"
        return f"compared with {self.warehouse}: nothing published or staged conflicts"


def compare_tables(workspace: Workspace, program: Program) -> Compared:
    """Compare what is published and staged with the program, or report that the warehouse was not reached."""
    address = workspace.settings.store.warehouse
    try:
        unfit = misfits(workspace.warehouse, workspace.ledger(program.job.name), program.outputs)
    except (
        ClusterError,
        UsageError,
    ) as e:  # it is down; or its secrets are not here, as where locks are reviewed
        return Compared(address, unreached=f"{e.what} ({e.where})")
    return Compared(address, tuple(unfit))
