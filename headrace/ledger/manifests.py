"""The manifests that are staged, and walking their chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headrace.errors import LedgerError
from headrace.ledger.records import MANIFESTS, Manifest
from headrace.storage.parallel import each
from headrace.storage.warehouse import Warehouse


def key(manifest_id: str, output: str) -> str:
    """Where the sink writes a manifest."""
    return f"{output}/_staged/manifests/{manifest_id}.json"


class StagedManifests:
    """The manifests of one output that are not folded into the ledger yet; each is read once."""

    def __init__(self, warehouse: Warehouse, output: str, submission: str = "") -> None:
        """Those of all claims; or of one submission that made none, whose manifests stay with its files."""
        self.output = output
        self._folder = f"{output}/_staged/{submission and submission + '/'}manifests/"
        self._warehouse = warehouse
        self._known: dict[str, Manifest] = {}

    def read(self) -> dict[str, Manifest]:
        """All manifests there are now, by id."""
        keys = set(self._warehouse.keys(self._folder))
        for deleted in self._known.keys() - keys:
            del self._known[deleted]
        fresh = sorted(keys - self._known.keys())
        for name, raw in zip(fresh, each(self._warehouse.find, fresh), strict=True):
            if raw is not None:  # else another publisher folded it in the meantime
                self._known[name] = MANIFESTS.read(raw, f"{self._warehouse.uri}/{name}")
        return {manifest.id: manifest for manifest in self._known.values()}

    def delete_folded(self, manifests: Iterable[Manifest]) -> None:
        """Delete manifests that the ledger now holds."""
        each(self._warehouse.delete, [key(m.id, self.output) for m in manifests])


def chain(staged: Mapping[str, Manifest], tip: str, stop: str | None) -> tuple[list[Manifest], str | None]:
    """From ``tip`` back to the first manifest that is not staged, or to ``stop``.

    Returns:
        The manifests, oldest first, and the parent of the oldest: ``stop`` when the chain meets it.

    Raises:
        LedgerError: the chain has a cycle.
    """
    walked: list[Manifest] = []
    at: str | None = tip
    while at is not None and at != stop and at in staged:
        if len(walked) > len(staged):
            raise LedgerError("a chain of manifests has a cycle", where=f"{tip} of {staged[tip].output}")
        walked.append(staged[at])
        at = staged[at].parent
    return walked[::-1], at
