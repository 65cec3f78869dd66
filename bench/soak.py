"""``python -m bench.soak``: a wrong rule is live for an hour under load, is replayed away; nothing is lost.

The load never pauses. An anchor is taken under the right rule; then the job goes on under a wrong one, while
its TaskManager, its JobManager and its publisher are killed again and again. The rule is put right, the
stretch is replayed from the anchor, compared and published; each of these commands is killed and typed again,
and a reader looks at the table throughout. In the end every position is compared with what was sent there,
and ``headrace verify`` reads all of Kafka.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from deltalake import DeltaTable

from bench import running
from bench.load import Load, by_partition
from bench.reader import Reader
from bench.running import headrace
from headrace import project, settings
from headrace.cluster import kafka
from headrace.contract.load import load_contract
from headrace.read.tables import open_table
from headrace.stack import files, local
from headrace.stack.processes import Processes
from headrace.storage.warehouse import Warehouse, connect

RIGHT, WRONG = "distance > 0", "distance > 500"
REFUSED_UP_TO = 500
OWN = ("contracts", "sql", "udfs", "jobs", "repairs", "deploy")
WITHIN_S = 900
PATIENCE_S = [1.5**n for n in range(10)]
"""After so long a command is killed, if it is not done; the last one of all may take its time."""
WHY = "distances up to 500 are right"


def main() -> None:
    """Run the scenario and print the result, with ``--json`` as JSON; exit 1 if it is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="How long the wrong rule is live.")
    parser.add_argument("--rate", type=float, default=2_000, help="Records a second.")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with running.empty_stack() as env, _own_project() as own:
        os.environ["HEADRACE__STORE__WAREHOUSE"] = f"{env.store.warehouse}/soak-{os.getpid()}"
        os.environ["HEADRACE__KAFKA__TOPIC_PREFIX"] = f"soak-{os.getpid()}."
        soak = Soak(settings.load(), own, asked.rate)
        try:
            result = soak.story(asked.minutes * 60)
        finally:
            soak.end()
    print(json.dumps(result) if asked.json else _text(result))
    sys.exit(0 if result["right"] else 1)


@contextmanager
def _own_project() -> Iterator[Path]:
    """A copy of the files that the scenario edits; all its commands use that copy."""
    root = project.root()
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder)
        for name in OWN:
            shutil.copytree(root / name, own / name)
        os.environ["HEADRACE_PROJECT"] = str(own)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(own), os.environ.get("PYTHONPATH", "")])
        yield own


class Publishing:
    """``headrace publish --follow`` as a process that is killed from time to time."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Publish from now on."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                running.command("publish", "flights", "--follow"), cwd=project.root(), stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Kill it by SIGKILL; a new one takes over."""
        self.end(signal.SIGKILL)
        self.start()

    def require_alive(self) -> None:
        """End the run if the publisher has ended by itself."""
        if self._process and self._process.poll() is not None:
            self._process = None
            sys.exit(f"the publisher ended by itself\n{self._log.read_text()[-3000:]}")

    def end(self, number: int = signal.SIGINT) -> None:
        """End it as Ctrl-C would, or by another signal."""
        self.require_alive()
        if self._process is None:
            return
        self._process.send_signal(number)
        if self._process.wait(WITHIN_S) not in (0, -signal.SIGKILL):
            sys.exit(f"the publisher failed\n{self._log.read_text()[-3000:]}")
        self._process = None


class Soak:
    """The scenario with its environment."""

    def __init__(self, env: settings.Settings, own: Path, rate: float) -> None:
        self.env = env
        self.kills: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self._began = time.monotonic()
        self._contract = own / "contracts/flights.odcs.yaml"
        self._lock = own / "jobs/flights.lock.json"
        self._processes = Processes(files.folder(env.stack).path)
        contract = load_contract("flights")
        topic = env.kafka.topic(contract.topic)
        kafka.create_topic(env.kafka.bootstrap, topic, contract.topic_partitions)
        self.publishing = Publishing(own / "publish.log")
        self.load = Load(env.kafka.bootstrap, topic, contract.topic_partitions, rate)

    def story(self, live_s: float) -> dict[str, Any]:
        """Run the scenario, and return its figures."""
        headrace("run", "flights")
        self.publishing.start()
        self._until("the first rows", lambda: headrace("status", "flights")["batch"] >= 1)
        self._killed("anchor", "anchor", "flights", "--why", "before the rule")
        anchor = headrace("anchor", "ls", "flights")[0]["number"]

        headrace("stop", "flights")
        first = by_partition(headrace("publish", "flights")["frontier"])
        right = self._contract.read_text(), self._lock.read_text()
        self._contract.write_text(right[0].replace(RIGHT, WRONG).replace("version: 1.0.0", "version: 1.1.0"))
        headrace("plan", "flights", "--accept")
        headrace("run", "flights")
        reader = Reader(connect(self.env.store), "flights", first, REFUSED_UP_TO)
        with reader.reading():
            self._live(live_s)
            self._contract.write_text(right[0])
            self._lock.write_text(right[1])
            self._replay(anchor)
            self._pause(min(120, live_s / 10))
            sent = self.load.stop()
            self._until("all to be published", lambda: self._published() == sent)
        self.publishing.end()
        self._say("comparing with what was sent")
        homes = self._homes(sent)
        verified = self._timed("verify", lambda: headrace("verify", "flights"))
        looks = reader.verdicts(self.load.sequence)
        return {
            "records": sent,
            "minutes": round(live_s / 60, 1),
            "batches": headrace("status", "flights")["batch"],
            "kills": dict(self.kills),
            "looks": asdict(looks),
            **homes,
            "verdict": verified["verdict"],
            "seconds": self.seconds,
            "right": bool(
                verified["verdict"] == "proved"
                and not any(homes.values())
                and looks.wrong
                and looks.right
                and not looks.mixed
            ),
        }

    def end(self) -> None:
        """Stop everything that runs beside the stack, whatever has happened."""
        try:
            self.load.stop()
        finally:
            self.publishing.end(signal.SIGKILL)

    def _live(self, live_s: float) -> None:
        """The phase in which the wrong rule is live."""
        began = time.monotonic()
        for part, what, kill in (
            (0.15, "publisher", self.publishing.kill),
            (0.30, "TaskManager", self._kill_taskmanager),
            (0.45, "publisher", self.publishing.kill),
            (0.60, "JobManager", self._kill_jobmanager),
            (0.75, "publisher", self.publishing.kill),
            (0.90, "TaskManager", self._kill_taskmanager),
        ):
            at = began + part * live_s
            self._pause(at - time.monotonic())
            self._say(f"killing the {what}")
            kill()
            self.kills[what] += 1
        self._pause(began + live_s - time.monotonic())

    def _replay(self, anchor: int) -> None:
        self._killed("plan", "replay", "plan", "flights", "--from", str(anchor), "--why", WHY)
        number = str(max(r["number"] for r in headrace("replay", "ls", "flights")))
        self._killed("run", "replay", "run", "flights", number, "--no-wait")
        self._kill_taskmanager()
        self.kills["TaskManager"] += 1
        began = time.monotonic()
        self._killed("catch-up", "replay", "run", "flights", number, within_s=3600)
        self.seconds["catch up"] = round(time.monotonic() - began, 1)
        self._killed("diff", "replay", "diff", "flights", number)
        self.publishing.kill()
        self.kills["publisher"] += 1
        self._killed("swap", "replay", "publish", "flights", number)
        self._until("the old job to be gone", lambda: len(headrace("status", "flights")["flink_jobs"]) == 1)

    def _killed(self, stage: str, *arguments: str, within_s: float = WITHIN_S) -> None:
        """Run a command until it ends; each attempt before is killed, each time a little later."""
        for patience in [*PATIENCE_S, within_s]:
            began = time.monotonic()
            process = subprocess.Popen(
                running.command(*arguments),
                cwd=project.root(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            try:
                said = process.communicate(timeout=patience)[1]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                self.kills[stage] += 1
                continue
            if process.returncode:
                sys.exit(f"{' '.join(arguments)}: exit code {process.returncode}\n{said.decode()}")
            self.seconds[stage] = round(time.monotonic() - began, 1)
            self._say(f"{stage}: {self.kills[stage]} times killed, then {self.seconds[stage]} s")
            return
        sys.exit(f"{' '.join(arguments)}: not done in {within_s} s")

    def _kill_taskmanager(self) -> None:
        self._processes.kill("taskmanager-1")
        local.up(self.env)

    def _kill_jobmanager(self) -> None:
        """Without high availability its jobs are gone with it."""
        self._processes.kill("jobmanager")
        local.up(self.env)
        self._until("the cluster to be empty", lambda: not headrace("status", "flights")["flink_jobs"])
        headrace("run", "flights")

    def _published(self) -> int:
        return sum(headrace("status", "flights")["frontier"].values())

    def _homes(self, sent: int) -> dict[str, int]:
        """Compare the row at each position with the record sent there."""
        found: Counter[str] = Counter()
        known = self.load.sequence
        warehouse = connect(self.env.store)
        place = ["_partition", "_offset"]
        rows = _table(warehouse, "flights").to_pyarrow_table(columns=[*place, "distance"])
        apart = _table(warehouse, "flights__quarantine").to_pyarrow_table(columns=place)
        for p in range(known.partitions):
            distances = known.distances(p, 0, known.end(p, sent))
            mine, its = rows.filter(pc.field("_partition") == p), apart.filter(pc.field("_partition") == p)
            offsets = mine["_offset"].to_numpy()
            for held, expected in ((offsets, distances > 0), (its["_offset"].to_numpy(), distances == 0)):
                times = np.bincount(held, minlength=len(distances))
                found["lost"] += int((times[: len(distances)][expected] == 0).sum())
                found["doubled"] += int((times > 1).sum())
                found["misplaced"] += int((times[: len(distances)][~expected] > 0).sum())
                found["misplaced"] += int((times[len(distances) :] > 0).sum())
            found["changed"] += int((distances[offsets] != mine["distance"].to_numpy()).sum())
        return dict(found)

    def _timed(self, stage: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        found = work()
        self.seconds[stage] = round(time.monotonic() - began, 1)
        return found

    def _pause(self, seconds: float) -> None:
        threading.Event().wait(max(0, seconds))

    def _until(self, what: str, done: Callable[[], bool]) -> None:
        deadline, idle = time.monotonic() + WITHIN_S, threading.Event()
        while not done():
            if time.monotonic() > deadline:
                sys.exit(f"it takes too long: {what}")
            self.publishing.require_alive()
            idle.wait(1)

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:7.0f} s  {what}", file=sys.stderr)


def _table(warehouse: Warehouse, name: str) -> DeltaTable:
    table = open_table(warehouse, name)
    if table is None:
        sys.exit(f"table {name} was never published")
    return table


def _text(result: dict[str, Any]) -> str:
    looks, kills = result["looks"], ", ".join(f"{n} {what}" for what, n in result["kills"].items())
    return "\n".join(
        [
            f"{result['records']:,} records, {result['batches']} batches, {result['minutes']} minutes wrong",
            f"killed      {kills}",
            f"reader      {looks['wrong']} looks as wrong, {looks['right']} as right, {looks['mixed']} mixed",
            *(f"{what:11s} {result[what]}" for what in ("lost", "doubled", "misplaced", "changed")),
            f"verify      {result['verdict']}",
            *(f"{stage:11s} {seconds} s" for stage, seconds in result["seconds"].items()),
        ]
    )


if __name__ == "__main__":
    main()
