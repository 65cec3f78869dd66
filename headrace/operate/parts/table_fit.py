"""What ``headrace plan`` asks the warehouse: whether the published tables can follow the contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import ClusterError, DecisionNeeded, UsageError
from headrace.publish.fit import misfits

if TYPE_CHECKING:
    from headrace.operate.workspace import OpenJob
    from headrace.publish.fit import Misfit


@dataclass(frozen=True)
class TableFit:
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


def compare_tables(job: OpenJob) -> TableFit:
    """Compare what is published and staged with a job's program, or report why that was not possible."""
    address, outputs = job.workspace.settings.store.warehouse, job.program.outputs
    try:
        unfit = misfits(job.workspace.warehouse, job.ledger, outputs)
    except (
        ClusterError,
        UsageError,
    ) as e:  # it is down; or its secrets are not here, as where locks are reviewed
        return TableFit(address, unreached=f"{e.what} ({e.where})")
    return TableFit(address, tuple(unfit))
