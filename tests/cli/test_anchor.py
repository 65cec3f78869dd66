"""``headrace anchor``: a savepoint of the running job becomes a place where a replay can start."""

from __future__ import annotations

import json

import obstore
import pytest

from headrace.cluster.fake import FakeCluster
from headrace.job.submission import of_job
from headrace.ledger import anchors
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake, publish_two_batches
from tests.savepoint.flink_metadata import metadata


class Saving(FakeCluster):
    """Its savepoints hold what the sealed lake has published and read."""

    lake: Lake

    def savepoint(self, job: str, /, target: str | None = None, within_s: float = 1) -> str:
        address = super().savepoint(job, target, within_s)
        manifests = self.lake.ledger.head().manifests
        raw = metadata("events", "s1", manifests, {"events": {0: 30}})
        key = address.removeprefix(f"{self.lake.warehouse.uri}/")
        obstore.put(self.lake.warehouse.objects, f"{key}/_metadata", raw)
        return address


@pytest.fixture
def cluster() -> Saving:
    return Saving()


@pytest.fixture
def lake(sealed: Lake, cluster: Saving) -> Lake:
    publish_two_batches(sealed)
    cluster.lake = sealed
    return sealed


def test_a_running_job_gives_an_anchor_and_keeps_running(
    lake: Lake, cluster: Saving, terminal: Terminal
) -> None:
    job = cluster.submit(of_job("events"))

    code, output = terminal.type("anchor events --why before -o json")

    assert code == 0
    anchor = json.loads(output)
    assert anchor["path"] == anchors.one(lake.ledger, 1).path
    assert (anchor["batch"], anchor["positions"], anchor["flink"]) == (2, {"events": {"0": 30}}, "2.3.0")
    assert not cluster.detail(job).job.ended
    assert terminal.type("anchor check events 1")[0] == 0
    assert "before" in terminal.type("anchor ls events")[1]


@pytest.mark.usefixtures("lake")
def test_a_job_that_does_not_run_gives_no_anchor(terminal: Terminal) -> None:
    code, output = terminal.type("anchor events")

    assert code == 2
    assert "job events does not run" in output
    assert "headrace anchor adopt events PATH" in output


def test_an_anchor_whose_records_kafka_deleted_is_named_by_check(
    lake: Lake, cluster: Saving, terminal: Terminal
) -> None:
    cluster.submit(of_job("events"))
    terminal.type("anchor events")
    lake.kafka.delete_below("events", 35)

    code, output = terminal.type("anchor check events 1")

    assert code == 1
    assert "no replay can begin at anchor 1" in output
