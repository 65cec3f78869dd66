"""The job `events` as an operator sees it, on a cluster in memory.

Its topic is in memory too, or on a real broker; its lake is on a local disk. A submission does all that it
does before Flink has the job; from then on a reader seals what the topic holds, as the job would.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace import settings
from headrace.cluster import CompletedCheckpoint, Submission
from headrace.cluster.fake import FakeCluster, SubmittedJob
from headrace.contract.load import load_contract
from headrace.job import judge
from headrace.job.job_file import load_job
from headrace.job.judge import JudgeProgram
from headrace.job.program import Placement, Program
from headrace.job.start.options import SAVEPOINT, SUBMISSION
from headrace.job.start.submit import PATCH, execute_job
from headrace.job.submission import of_job
from headrace.ledger.records import Patch
from headrace.operate import Workspace
from headrace.publish.publisher import Published, Publisher
from headrace.savepoint.metadata import checkpoint_of
from headrace.savepoint.retained import read_savepoint, savepoint_folder
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.cli.events_reader import OUTPUTS, Reader
from tests.cli.hourly_reader import HourlyReader
from tests.cli.one_topic import PARTITIONS, Topic
from tests.cli.remedies import Terminal
from tests.publish.sealed_lake import Lake
from tests.stack.submitting import look_in

PROJECT = Path(__file__).parents[1] / "stack/project"
RECORDS = 40
SLOTS = 4
OTHERS = "others"
"""Another user's job."""


@dataclass
class Pipeline:
    """Everything that a command works with."""

    lake: Lake
    cluster: FakeCluster
    topic: Topic
    terminal: Terminal
    folder: Path
    """For this test only."""
    readers: dict[str, Reader | HourlyReader] = field(default_factory=dict)
    """By the id of the Flink job, newest last."""
    early: str = ""
    """A savepoint at offset 10, once there is one."""
    filled_in: dict[str, str] = field(default_factory=dict)
    """What a reader writes for a word in capitals, in this state."""
    _next: Reader | HourlyReader | None = None

    def __post_init__(self) -> None:
        self.cluster.main, self.cluster.write = self._main, self._write
        self.cluster.then = self.then = self._then

    def do(self, line: str) -> None:
        """Type a command that goes well."""
        code, output = self.terminal.type(line)
        assert code == 0, f"{line}: {output}"

    # submissions

    def start(self, restored: str = "") -> Reader:
        """Submit the job, restored from a savepoint if one is given."""
        self.cluster.submit(of_job("events", restored or None))
        reader = self.readers[self.newest]
        assert isinstance(reader, Reader)
        return reader

    @property
    def newest(self) -> str:
        """The Flink job that was submitted last."""
        return list(self.readers)[-1]

    def _main(self, submission: Submission) -> SubmittedJob:
        """``flink run``, up to the moment when Flink gets the job."""
        from headrace.job import flink  # noqa: PLC0415 - pyflink takes seconds

        if submission.job == OTHERS:
            return SubmittedJob(OTHERS, parallelism=SLOTS)
        given, own = {SAVEPOINT: submission.savepoint or ""}, submission.environment
        made: list[SubmittedJob] = []
        with (
            patch.object(flink, "submitted_options", lambda keys: dict.fromkeys(keys, "") | given),
            patch.object(flink, "create_environment", lambda *arguments: _Executes(self, made, *arguments)),
            patch.dict(os.environ, own),
        ):
            if PATCH in own:
                name, number, judged = own[PATCH].split()
                judge.execute_judging(name, int(number), judged, self.workspace)
            else:
                execute_job(load_job(submission.job), self.workspace)
        return made[0]

    def executed(self, program: Program, at: Placement, options: Mapping[str, str]) -> SubmittedJob:
        self._next = None
        if isinstance(program, JudgeProgram):
            self._judge(program.patch, at.submission)
        elif program.job.name == "events":
            self._next = self._reader(at, options.get(SAVEPOINT))
        else:
            restored = options.get(SAVEPOINT)
            manifests = read_savepoint(self.lake.warehouse, restored).manifests if restored else ()
            parent = dict(manifests).get("events_by_hour")
            self._next = HourlyReader(self.lake.warehouse, self.topic.name, at.claim, at.submission, parent)
        return SubmittedJob(options["pipeline.name"], configuration={SUBMISSION: at.submission})

    def _then(self, job: str) -> None:
        if self._next is None:
            self.cluster.finish(job)
        else:
            self.readers[job] = self._next

    def _write(self, job: str, done: CompletedCheckpoint) -> None:
        if done.savepoint:
            self.readers[job].savepoint(done.path)
        else:
            self.readers[job].checkpoint()

    def occupy(self) -> str:
        """Let a job of others hold all slots; gives its id."""
        self.cluster.then = lambda _job: None
        others = self.cluster.submit(Submission(OTHERS, OTHERS))
        self.cluster.then = self.then
        return others

    def _reader(self, at: Placement, restored: str | None) -> Reader:
        claim = self.lake.ledger.claims()[at.claim - 1]
        if restored:
            savepoint = read_savepoint(self.lake.warehouse, restored)
            offset = savepoint.positions(self.topic.name)[0]
            self.lake.newest[at.claim] = savepoint.number, dict(savepoint.manifests)["events"]
        else:
            begins = re.findall(r"partition:0,offset:(\d+)", str(at.startup["events"]))
            offset, parent = int(begins[0]), (claim.begins_after or {}).get("events")
            self.lake.newest[at.claim] = checkpoint_of(parent) if parent else 0, parent
        return Reader(self.lake, self.topic, at.claim, at.submission, offset)

    # what jobs make

    def _judge(self, request: Patch, submission: str) -> None:
        """The bounded job of a patch: it finds every record good."""
        files = [
            self.lake._file("events", submission, 1 + abs(p), offsets, p, writer=-request.number)
            for p, offsets in self._judged(request).items()
        ]
        for output in OUTPUTS:
            manifest = {
                "id": f"{1:010d}-{request.number:016x}",
                "parent": None,
                "checkpoint": 1,
                "output": output,
                "claim": 0,
                "submission": submission,
                "contract_version": "1.0.0",
                "files": files if output == "events" else [],
            }
            place = f"{output}/_staged/{submission}/manifests/{manifest['id']}.json"
            self.lake.warehouse.put_new(place, json.dumps(manifest).encode())

    def _judged(self, request: Patch) -> dict[int, range]:
        if request.input is None:
            return {p: range(o, request.end[p]) for p, o in request.first.items() if o < request.end[p]}
        offsets_of = defaultdict(list)
        rows = pq.read_table(pa.BufferReader(self.lake.warehouse.read(request.input)))
        for p, o in zip(rows["_partition"].to_pylist(), rows["_offset"].to_pylist(), strict=True):
            offsets_of[p].append(o)
        return {p: range(min(offsets), max(offsets) + 1) for p, offsets in offsets_of.items()}

    def publish(self) -> Published:
        return Publisher(self.workspace.job("events").tables).publish()

    @property
    def workspace(self) -> Workspace:
        assert self.terminal.workspace
        return self.terminal.workspace

    # common beginnings

    def filled(self) -> Reader:
        """The job runs; offsets 0 to 29 are published in two batches, the last five of them refused."""
        self.topic.send(RECORDS)
        reader = self.start()
        reader.checkpoint(10)
        self.early = f"{self.lake.warehouse.uri}/{savepoint_folder('events')}/savepoint-early"
        reader.savepoint(self.early)
        reader.checkpoint(20)
        self.publish()
        reader.checkpoint(30, bad=range(25, 30))
        self.publish()
        return reader


def of_the_tests_project(
    topic: Topic, folder: Path, monkeypatch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]
) -> Pipeline:
    """A job that never ran, with an empty topic."""
    warehouse = f"file://{folder}/lake"
    for name, value in {
        "PROJECT": str(PROJECT),
        "_STORE__WAREHOUSE": warehouse,
        "_STORE__ACCESS_KEY": "env:HOME",
        "_STORE__SECRET_KEY": "env:HOME",
        "_KAFKA__BOOTSTRAP": topic.kafka.address,
        "_KAFKA__TOPIC_PREFIX": topic.name.removesuffix("events"),
    }.items():
        monkeypatch.setenv(f"HEADRACE_{name}", value)
    look_in(str(PROJECT))
    topic.kafka.create_topic(topic.name, PARTITIONS)
    lake = Lake(connect(Store(warehouse=warehouse)), load_contract("events"), started=False)
    cluster = FakeCluster(slots=SLOTS)
    workspace = Workspace(settings.load(), cluster=cluster, kafka=topic.kafka)
    return Pipeline(lake, cluster, topic, Terminal(captured, workspace), folder)


@dataclass(frozen=True)
class _Executes:
    """A table environment whose statements are not executed; also their result and its job client."""

    pipeline: Pipeline
    made: list[SubmittedJob]
    program: Program
    at: Placement
    options: Mapping[str, str]

    def execute_sql(self, _statement: str) -> _Executes:
        self.made.append(self.pipeline.executed(self.program, self.at, self.options))
        return self

    def get_job_client(self) -> _Executes:
        return self

    def get_job_id(self) -> str:
        return "as the cluster says"
