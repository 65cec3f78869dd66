"""One job on the run's stack, with its own warehouse and topics, driven as a user drives it."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from kafka import KafkaProducer

from headrace import settings
from headrace.cli.main import main as command
from headrace.cluster import SessionCluster
from headrace.cluster.kafka import Brokers, KafkaSource, create_topic
from headrace.cluster.session import Submit
from headrace.job.assemble import load_program
from headrace.job.start.submit import REPLAY
from headrace.ledger.head import Head
from headrace.ledger.ledger import Ledger
from headrace.ledger.manifests import StagedManifests
from headrace.ledger.records import Manifest
from headrace.operate import Workspace
from headrace.operate.parts.compiler import Compiler
from headrace.publish.publisher import Published, Publisher
from headrace.publish.tables import JobTables, StepHook
from headrace.read.tables import open_table
from headrace.savepoint.metadata import checkpoint_of, parse, positions, watermarks
from headrace.storage.warehouse import Warehouse, connect
from tests.cli.remedies import named_in
from tests.cli.typed import as_printed
from tests.stack.client import FlinkClient
from tests.stack.submitting import look_in
from tests.stack.waiting import until
from tests.stack_fixtures import Stack

Position = tuple[int, int]
"""Partition and offset of a record."""

BY_HAND = {"execution.checkpointing.interval": "1 h"}
"""Checkpoints happen when a test asks for one; Flink takes the first one itself, once all tasks run."""


def event(number: int, amount: str = "1.25") -> bytes:
    """A good record; the day changes every 1,000 numbers."""
    day = 1 + number // 1000 % 28
    at = f"2026-01-{day:02d}T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    return json.dumps({"id": number, "at": at, "amount": float(amount)}).encode()


@dataclass
class Road:
    """From a topic to its tables."""

    stack: Stack
    name: str
    project: Path
    client: FlinkClient
    partitions: int = 2
    parallelism: int = 2
    options: Mapping[str, str] = field(default_factory=dict)
    job: str = "events"
    submit_by: Submit | None = None
    """What `headrace` submits jobs with; else `flink run`."""
    compile_by: Compiler | None = None
    """What `headrace plan` compiles with."""

    def __post_init__(self) -> None:
        os.environ.update(self.overrides())
        look_in(str(self.project))
        self.settings = settings.load()
        self.warehouse: Warehouse = connect(self.settings.store)
        self.program = load_program(self.job)
        self.contract = self.program.contract
        self.topic = self.named(self.program.reads[0].topic)
        self.ledger = Ledger(self.warehouse, self.job)
        self.savepoints = f"{self.warehouse.uri}/_flink/savepoints"
        for read in self.program.reads:
            create_topic(self.settings.kafka.bootstrap, self.named(read.topic), self.partitions)

    def named(self, topic: str) -> str:
        """A topic's name with this road's prefix."""
        return f"{self.name}.{topic}"

    def beside(self, job: str) -> Road:
        """The road of another job on the same topic and warehouse."""
        return replace(self, job=job)

    def overrides(self) -> dict[str, str]:
        return {
            "HEADRACE_PROJECT": str(self.project),
            "HEADRACE__STORE__WAREHOUSE": f"s3://lake/{self.name}",
            "HEADRACE__KAFKA__TOPIC_PREFIX": f"{self.name}.",
            "HEADRACE__FLINK__PARALLELISM": str(self.parallelism),
            "HEADRACE__FLINK__OPTIONS": json.dumps(dict(self.options)),
        }

    # Kafka

    def produce(self, numbers: Iterable[int], *, partition: int | None = None, broken_every: int = 0) -> int:
        """Send records round robin; every ``broken_every``-th is not JSON. Returns how many were sent."""
        producer = KafkaProducer(bootstrap_servers=self.settings.kafka.bootstrap, linger_ms=20)
        sent = 0
        for n in numbers:
            payload = b"{broken" if broken_every and n % broken_every == 0 else event(n)
            at = n % self.partitions if partition is None else partition
            producer.send(self.topic, payload, partition=at)
            sent += 1
        producer.flush()
        producer.close()
        return sent

    def send(
        self, payloads: Iterable[bytes], *, partition: int = 0, topic: str = ""
    ) -> dict[Position, bytes]:
        """Send these very bytes, in order; returns the position of each."""
        producer = KafkaProducer(bootstrap_servers=self.settings.kafka.bootstrap, linger_ms=20)
        place = self.named(topic) if topic else self.topic
        sent = [(producer.send(place, p, partition=partition), p) for p in payloads]
        producer.flush()
        producer.close()
        return {(partition, future.get().offset): payload for future, payload in sent}

    # Flink

    def environment(self) -> dict[str, str]:
        own = {**os.environ, **self.stack.environment, **self.overrides()}
        own["PYTHONPATH"] = os.pathsep.join([str(self.project), own.get("PYTHONPATH", "")])
        return own

    def flink(self, *arguments: str, expect: int = 0) -> str:
        """One ``flink`` command, as a user types it."""
        done = subprocess.run(
            ["flink", *arguments], capture_output=True, text=True, check=False, env=self.environment()
        )
        assert done.returncode == expect, (
            f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
        return done.stdout + done.stderr

    def submit(self, savepoint: str = "") -> str:
        """Submit the job by the run's client; returns Flink's job id once it runs."""
        flink_id = self.client.submit(self.job, {**self.overrides(), REPLAY: "0"}, savepoint)
        self.running(flink_id)
        return flink_id

    def flink_run(self, *arguments: str, module: str = "") -> str:
        """Submit by ``flink run``, as a user types it; gives Flink's job id once the job runs."""
        output = self.flink("run", "-d", *arguments, "-pym", module or f"jobs.{self.job}")
        job_id = re.search(r"JobID ([0-9a-f]{32})", output)
        assert job_id, output[-3000:]
        self.running(job_id[1])
        return job_id[1]

    def rest(
        self, path: str, body: Mapping[str, Any] | None = None, method: str | None = None
    ) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own cluster
            self.settings.flink.rest + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            document: dict[str, Any] = json.load(answer) if answer.status != 202 or method != "PATCH" else {}
            return document

    def state(self, job: str) -> str:
        return str(self.rest(f"/jobs/{job}")["state"])

    def running(self, job: str) -> None:
        def all_run() -> bool:
            detail = self.rest(f"/jobs/{job}")
            return detail["state"] in ("RUNNING", "FINISHED") and all(
                v["tasks"]["RUNNING"] + v["tasks"]["FINISHED"] == v["parallelism"] for v in detail["vertices"]
            )

        until(f"job {job} to run", all_run)

    def ended(self, job: str, state: str) -> None:
        until(f"job {job} to be {state}", lambda: self.state(job) == state)

    def checkpoints(self, job: str) -> dict[str, Any]:
        return self.rest(f"/jobs/{job}/checkpoints")

    def checkpoint(self, job: str) -> None:
        """Trigger a checkpoint and wait until it is complete, and REST reports it."""

        def triggered() -> dict[str, Any] | None:
            """Flink also aborts checkpoints for transient reasons, and reports them in `failureCause`."""
            answer = self._run_operation(f"/jobs/{job}/checkpoints", {"checkpointType": "FULL"})
            if "checkpointId" in answer:
                return answer
            print(f"job {job} took no checkpoint: {str(answer)[:3000]}")
            return None

        number = until(f"job {job} to take a checkpoint", triggered)["checkpointId"]
        until("it to be the newest", lambda: (self._completed(job) or {"id": 0})["id"] >= number)

    def settle(self, job: str, claim: int, event_time: float | None = None) -> None:
        """Take checkpoints until one has read all that the topics hold, and its manifests are committed.

        Args:
            job: Flink's id of the job.
            claim: the claim of its submission.
            event_time: how far event time must have come for every output, in seconds since 1970. A row may
                be read long before it closes a window: watermarks come every 200 ms.
        """

        def all_read() -> bool:
            self.checkpoint(job)
            raw = self.newest(job)
            return raw is not None and self._unread(raw) == {} and _seen(raw, event_time)

        until(f"claim {claim} to have read everything", all_read)
        until("its manifests", lambda: self._committed(job, claim))

    def newest(self, job: str) -> bytes | None:
        """The ``_metadata`` of the newest completed checkpoint; None if it was retired meanwhile."""
        checkpoint = self._completed(job)
        return self.metadata(str(checkpoint["external_path"])) if checkpoint else None

    def _completed(self, job: str) -> dict[str, Any] | None:
        """The newest completed checkpoint, as REST has it: up to 200 ms late."""
        checkpoint: dict[str, Any] | None = self.checkpoints(job)["latest"]["completed"]
        return checkpoint

    def metadata(self, path: str) -> bytes | None:
        """``_metadata`` of a checkpoint or savepoint, which Flink writes last; None where there is none."""
        try:
            return connect(self.settings.store.model_copy(update={"warehouse": path})).read("_metadata")
        except FileNotFoundError:
            return None

    def _unread(self, raw: bytes) -> dict[str, dict[int, int]]:
        """Topic → partition → how many records a checkpoint has not read, where there are some."""
        unread, kafka = {}, Brokers(self.settings.kafka)
        for topic in (self.named(read.topic) for read in self.program.reads):
            now, reached = kafka.describe(topic), positions(raw, topic)
            positions_read = {p: max(reached.get(p, 0), start) for p, start in now.log_start.items()}
            unread[topic] = {p: n for p, n in kafka.lag(now, positions_read).offsets.items() if n}
        return {topic: lag for topic, lag in unread.items() if lag}

    def _committed(self, job: str, claim: int) -> bool:
        """Whether the manifests of a job's newest checkpoint are there: shortly after Flink completes it."""
        raw = self.newest(job)
        sealed = parse(raw, "") if raw else None
        if sealed is None:
            return False
        own = self.ledger.claim_of(sealed.submission)
        assert own is not None
        assert own.number == claim, f"job {job} has claim {own.number}"
        return all(
            manifest in self.staged(output) or self.ledger.published(output, manifest) is not None
            for output, manifest in sealed.manifests
        )

    def savepoint(self, job: str) -> str:
        """Take a savepoint while the job keeps running; returns its address."""
        body = {"cancel-job": False, "target-directory": self.savepoints}
        return str(self._run_operation(f"/jobs/{job}/savepoints", body)["location"])

    def stop(self, job: str) -> str:
        """Stop with a savepoint, which `run` will find; gives its address."""
        # Flink spells the folder differently for the two requests, and ignores the wrong one silently.
        body = {"drain": False, "targetDirectory": self.savepoints}
        place = str(self._run_operation(f"/jobs/{job}/stop", body, "/savepoints")["location"])
        self.ended(job, "FINISHED")
        return place

    def cancel(self, job: str) -> None:
        self.rest(f"/jobs/{job}?mode=cancel", method="PATCH")
        self.ended(job, "CANCELED")

    def _run_operation(self, path: str, body: Mapping[str, Any], look_under: str = "") -> dict[str, Any]:
        trigger = self.rest(path, body)["request-id"]
        base = path.rpartition("/")[0] + look_under if look_under else path

        def done() -> dict[str, Any] | None:
            operation = self.rest(f"{base}/{trigger}")
            return operation if operation["status"]["id"] == "COMPLETED" else None

        answer = until(f"{path} to complete", done)["operation"]
        assert "failure-cause" not in answer, str(answer)[:3000]
        return dict(answer)

    # the lake

    def publisher(self, step: StepHook = lambda _name: None) -> Publisher:
        source = KafkaSource(Brokers(self.settings.kafka), tuple(c.id for c in self.program.reads))
        return Publisher(JobTables(self.ledger, self.contract, self.program.outputs, source, step))

    def publish(self) -> Published:
        return self.publisher().publish()

    def publish_until(self, records: int) -> Head:
        """Publish again and again until that many offsets are below the frontier."""
        publisher = self.publisher()

        def reached() -> Head | None:
            head = publisher.publish().head
            return head if sum(head.frontier.values()) >= records else None

        return until(f"{records} published offsets", reached)

    def staged(self, output: str = "") -> dict[str, Manifest]:
        return StagedManifests(self.warehouse, output or self.job).read()

    def sealed(self, checkpoint: int) -> bool:
        """Whether every output has committed that checkpoint, or a later one; shortly after it completes."""
        head = self.ledger.head().manifests
        newest = [max([*self.staged(o.id), head.get(o.id, "")]) for o in self.program.outputs]
        return all(m and checkpoint_of(m) >= checkpoint for m in newest)

    def rows(
        self, output: str = "events", columns: tuple[str, ...] = ("_partition", "_offset")
    ) -> list[tuple[Any, ...]]:
        """Rows of a published table, sorted."""
        table = open_table(self.warehouse, output)
        assert table is not None, f"table {output} is not there"
        arrow = table.to_pyarrow_table(columns=list(columns))
        return sorted(zip(*(arrow[c].to_pylist() for c in columns), strict=True))

    def homes(self) -> list[Position]:
        """Every published position, of both tables, sorted; a doubled one stands there twice."""
        return sorted([*self.rows("events"), *self.rows("events__quarantine")])

    def headrace(self, *arguments: str, expect: int = 0) -> str:
        """One ``headrace`` command, in this process: to start Python costs more than most of them do."""
        out, err = io.StringIO(), io.StringIO()
        before = dict(os.environ)
        os.environ.update(self.environment())
        look_in(str(self.project))
        try:
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as exited:
                command(arguments, self.workspace())
        finally:
            os.environ.clear()
            os.environ.update(before)
            structlog.reset_defaults()
        output, code = (out.getvalue(), err.getvalue()), exited.value.code or 0
        assert code == expect, f"exit {code}\n{output[0][-3000:]}\n{output[1][-3000:]}"
        assert as_printed(output[1]) == [], output[1]
        return "".join(output)

    def follow(self, message: str, remedy: str) -> str:
        """Type the command that a message names, as it is printed there; returns its output."""
        return self.headrace(*shlex.split(named_in(message, remedy.partition(": ")[2])))

    def workspace(self) -> Workspace:
        """What a command works with, as the environment is now."""
        own = settings.load()
        cluster = SessionCluster(own.flink.rest, self.submit_by) if self.submit_by else None
        return Workspace(own, cluster=cluster, compile_program=self.compile_by)

    def verified(self, *arguments: str, expect: int = 0) -> dict[str, Any]:
        """What ``headrace verify`` reports of the job's table."""
        output = self.headrace("verify", self.job, "-o", "json", *arguments, expect=expect)
        answer: dict[str, Any] = json.JSONDecoder().raw_decode(output)[0]
        return answer


def _seen(raw: bytes, event_time: float | None) -> bool:
    """Whether event time has reached this point in all outputs of a checkpoint."""
    return event_time is None or min(watermarks(raw).values()) >= event_time * 1000


def publishing(environment: Mapping[str, str], fatal: str = "", *arguments: str) -> subprocess.Popen[bytes]:
    """A publisher in a separate process, which dies by SIGKILL before the step ``fatal``."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "publisher.py"), fatal, *arguments],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def every(records: Mapping[int, int]) -> list[Position]:
    """All positions of a topic: partition → number of records."""
    return [(p, o) for p, n in sorted(records.items()) for o in range(n)]
