"""A submission of the ingest job `events`, as Flink would run it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import obstore

from headrace.savepoint.retained import checkpoint_folder
from tests.cli.one_topic import Topic
from tests.publish.sealed_lake import Lake
from tests.savepoint.flink_metadata import metadata

OUTPUTS = ("events__quarantine", "events")


@dataclass
class Reader:
    """What one submission of the job has read and sealed, all from partition 0."""

    lake: Lake
    topic: Topic
    claim: int
    submission: str
    at: int
    """The next offset."""

    def checkpoint(self, end: int | None = None, bad: Iterable[int] = ()) -> int:
        """Seal what the topic holds by now, or up to an offset; gives the checkpoint's number."""
        end = self.topic.kafka.describe(self.topic.name).log_end[0] if end is None else end
        refused = sorted(bad)
        good = range(self.at, refused[0] if refused else end)
        self.lake.seal(self.claim, good, range(good.stop, end))
        self.at = end
        number = self.lake.newest[self.claim][0]
        self._write(f"{checkpoint_folder('events', self.submission)}/checkpoints/j/chk-{number}")
        return number

    def savepoint(self, place: str) -> None:
        """Write where it stands, and its seals' state, into that folder."""
        self._write(place.removeprefix(f"{self.lake.warehouse.uri}/"))

    def _write(self, checkpoint_folder: str) -> None:
        manifest = self.lake.newest[self.claim][1] or ""
        raw = metadata(
            "events",
            self.submission,
            dict.fromkeys(OUTPUTS, manifest),
            {self.topic.name: {0: self.at, 1: 0}},
        )
        obstore.put(self.lake.warehouse.objects, f"{checkpoint_folder}/_metadata", raw)
