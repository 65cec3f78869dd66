"""Manifests as the staged sink writes them, and walking their chain. Think of git: a manifest is a commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

from headrace.errors import LedgerError
from headrace.lake.store import Warehouse

FORMAT = 1
READERS = 16
"""Manifests and footers are small: reading them is waiting for the store, so many wait side by side."""


@dataclass(frozen=True)
class StagedFile:
    """A Parquet file that Flink finished; ``path`` is relative to the table's folder."""

    path: str
    size: int

    @property
    def partition(self) -> dict[str, str]:
        """Partition values out of the folder names, as Hive writes them."""
        folders = self.path.split("/")[2:-1]
        return {k: unquote(v) for k, _, v in (folder.partition("=") for folder in folders)}


@dataclass(frozen=True)
class Manifest:
    """What one output received up to one barrier."""

    id: str
    parent: str | None
    checkpoint: int
    output: str
    claim: int
    submission: str
    contract_version: str
    files: tuple[StagedFile, ...]

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], where: str) -> Manifest:
        """Read a manifest.

        Raises:
            LedgerError: a field is missing, or the format is a later one.
        """
        try:
            if raw.get("format", FORMAT) != FORMAT:
                raise LedgerError(f"manifest format {raw['format']} is newer than this program", where=where)
            return cls(
                id=raw["id"],
                parent=raw["parent"],
                checkpoint=raw["checkpoint"],
                output=raw["output"],
                claim=raw["claim"],
                submission=raw["submission"],
                contract_version=raw["contract_version"],
                files=tuple(StagedFile(f["path"], f["size"]) for f in raw["files"]),
            )
        except (KeyError, TypeError) as e:
            raise LedgerError(f"this is not a manifest: {e!r}", where=where) from e


def key(manifest_id: str, output: str) -> str:
    """Where the sink writes a manifest."""
    return f"{output}/_staged/manifests/{manifest_id}.json"


class Staged:
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
        for gone in self._known.keys() - keys:
            del self._known[gone]
        fresh = sorted(keys - self._known.keys())
        with ThreadPoolExecutor(READERS) as pool:
            for name, raw in zip(fresh, pool.map(self._warehouse.get, fresh), strict=True):
                if raw is not None:  # else another publisher folded it in the meantime
                    self._known[name] = Manifest.from_json(raw, f"{self._warehouse.uri}/{name}")
        return {manifest.id: manifest for manifest in self._known.values()}

    def fold(self, manifests: Iterable[Manifest]) -> None:
        """Remove manifests that the ledger now holds."""
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(self._warehouse.delete, [key(m.id, self.output) for m in manifests]))


def chain(staged: Mapping[str, Manifest], tip: str, stop: str | None) -> tuple[list[Manifest], str | None]:
    """From ``tip`` back to the first manifest that is not staged, or to ``stop``.

    Returns:
        The manifests, oldest first, and the parent of the oldest: ``stop`` when the chain meets it.

    Raises:
        LedgerError: the chain bites its own tail.
    """
    walked: list[Manifest] = []
    at: str | None = tip
    while at is not None and at != stop and at in staged:
        if len(walked) > len(staged):
            raise LedgerError("a chain of manifests has no beginning", where=f"{tip} of {staged[tip].output}")
        walked.append(staged[at])
        at = staged[at].parent
    return walked[::-1], at
