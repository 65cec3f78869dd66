"""Commands that messages about the local stack name, where no stack has to run to see that they help."""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from headrace import settings
from headrace.cluster import FlinkRun, Submission
from headrace.cluster.fake import FakeCluster, SubmittedJob
from headrace.cluster.kafka import topics
from headrace.operate import Workspace
from headrace.stack import files, jars, local, machinery, ports
from headrace.stack.processes import Processes, Service
from tests.cli.remedies import Terminal
from tests.stack.submitting import look_in

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "tests/stack/project"
SERVES = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That of a stack, which was never started; nobody listens at its ports."""
    found = tmp_path / "stack"
    monkeypatch.setenv("HEADRACE__STACK__FOLDER", str(found))
    monkeypatch.setenv("HEADRACE__STACK__PORTS__S3", str(ports.choose().s3))
    yield found
    processes = Processes(found)
    processes.stop(processes.names(), grace_s=0)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


def script(name: str, code: str, says: str, folder: Path) -> Service:
    """A process that serves when it has said so."""
    return Service(
        name,
        [sys.executable, "-c", code],
        ready=lambda: says in Processes(folder).tail(name, since_start=True),
    )


def made_of(monkeypatch: pytest.MonkeyPatch, *services: Service) -> None:
    """Let `stack up` make the secrets, and start these processes."""

    def prepare(_settings: object, at: files.Folder, *_: object) -> list[Service]:
        files.make_secrets(at)
        return list(services)

    monkeypatch.setattr(local, "prepare", prepare)


def test_the_log_of_a_process_that_died_shows_the_reason(
    folder: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "print('no space left'); [print('at', n) for n in range(20)]; raise SystemExit(3)"
    made_of(monkeypatch, script("kafka", code, "up", folder))
    said = terminal.refused("stack up")
    assert "kafka died while it started" in said
    assert "no space left" not in said

    answer = terminal.follow(said, "stack/processes.py: stack logs □")

    assert "no space left" in answer


def test_missing_secrets_are_generated_again(
    folder: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_of(monkeypatch, script("store", SERVES, "up", folder))
    assert terminal.type("stack up")[0] == 0
    (folder / "secrets/secret_key").unlink()
    with socket.create_server(("127.0.0.1", settings.load().stack.ports.s3)):
        said = terminal.refused("branch ls flights")
    assert "a secret is missing" in said

    assert "store" in terminal.follow(said, "settings.py: stack down")
    terminal.follow(said, "settings.py: stack up")

    assert settings.secret(settings.load().store.secret_key)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Coordinate → jar, of a registry; and a project that needs one jar for each use, locked for all."""
    (tmp_path / "jars").mkdir()
    (tmp_path / "deploy/env").mkdir(parents=True)
    (tmp_path / "deploy/env/local.yaml").write_text(settings.LOCAL)
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    monkeypatch.setenv("HEADRACE__STACK__JARS_CACHE", str(tmp_path / "cache"))
    serves: dict[str, bytes] = {}

    def maven(cache: Path, _address: str) -> SimpleNamespace:
        def dependency(coordinate: str) -> SimpleNamespace:
            group, name, version = coordinate.rstrip("!").split(":")

            def resolve() -> Path:
                (cache / f"{name}.jar").write_bytes(serves[coordinate.rstrip("!")])
                return cache / f"{name}.jar"

            artifact = SimpleNamespace(groupId=group, artifactId=name, version=version, resolve=resolve)
            return SimpleNamespace(artifact=artifact)

        return SimpleNamespace(create_dependency=dependency)

    monkeypatch.setattr(jars, "_maven", maven)
    monkeypatch.setattr(machinery, "CHECKOUT", tmp_path)
    for use in jars.USES:
        coordinate = f"org.example:{use}:1"
        serves[coordinate] = use.encode()
        (tmp_path / f"jars/{use}.yaml").write_text(f"transitive: false\ncoordinates: ['{coordinate}']\n")
        digest = hashlib.sha256(use.encode()).hexdigest()
        (tmp_path / f"jars/{use}.lock").write_text(f"{digest}  {coordinate}\n")
    return serves


def without(lock: Path) -> None:
    lock.unlink()


def broken(lock: Path) -> None:
    lock.write_text("what is this\n")


def of_another_jar(lock: Path) -> None:
    lock.write_text(f"{'0' * 64}  {lock.read_text().partition('  ')[2]}")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (without, "the jars have no lock"),
        (broken, "not a locked jar"),
        (of_another_jar, "a downloaded jar does not match its lock"),
    ],
)
@pytest.mark.usefixtures("registry", "folder")
def test_a_lock_of_the_jars_is_rewritten(
    spoil: Callable[[Path], None], complaint: str, tmp_path: Path, terminal: Terminal
) -> None:
    spoil(tmp_path / "jars/kafka.lock")
    said = terminal.refused("stack up")
    assert complaint in said

    terminal.follow(said, "stack/jars.py: stack lock")

    fetched = jars.fetch(settings.load().stack, ("flink", "flink-s3", "kafka"))
    assert fetched["kafka"][0].read_bytes() == b"kafka"


# what Flink does with a job


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' project, with a lake on a local disk; something silent listens where Kafka would."""
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECT))
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", f"file://{tmp_path}/lake")
    look_in(str(PROJECT))
    with socket.create_server(("127.0.0.1", 0)) as broker:
        monkeypatch.setenv("HEADRACE__KAFKA__BOOTSTRAP", f"127.0.0.1:{broker.getsockname()[1]}")
        yield


def logged(folder: Path, name: str, line: str) -> None:
    """Start a process of that name, which has logged this."""
    code = f"print('{line}'); print('up', flush=True); import time; time.sleep(600)"
    service = script(name, code, "up", folder)
    Processes(folder).start(service)
    Processes(folder).wait_ready(service, time.monotonic() + 60)


def without_place(cluster: FakeCluster, meanwhile: Callable[[str], object] = lambda _job: None) -> None:
    """Let a job that is submitted wait for tasks to be placed, although there are slots for them."""

    def waits(job: str) -> None:
        meanwhile(job)
        cluster.slots_in_all = 4

    cluster.slots_in_all, cluster.then = 0, waits


CAUSE = "java.io.IOException: no such bucket"


@pytest.mark.parametrize(("for_good", "what"), [(False, "it fails: "), (True, "it is FAILED: ")])
@pytest.mark.usefixtures("project")
def test_the_jobmanagers_log_explains_a_failure(
    for_good: bool, what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logged(folder, "jobmanager", CAUSE)
    cluster = FakeCluster()
    without_place(cluster, lambda job: cluster.fail(job, CAUSE, for_good=for_good))
    terminal = Terminal(capsys, Workspace(settings.load(), cluster=cluster))
    said = terminal.refused("run events --timeout 0")
    assert f"{what}{CAUSE}" in said

    answer = terminal.follow(said, "cluster/ready.py: stack logs jobmanager")

    assert CAUSE in answer


@pytest.mark.usefixtures("project")
def test_a_taskmanagers_log_explains_tasks_that_do_not_start(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logged(folder, "taskmanager-1", "out of memory")
    without_place(cluster := FakeCluster())
    terminal = Terminal(capsys, Workspace(settings.load(), cluster=cluster))
    said = terminal.refused("run events --timeout 0")
    assert "operators run" in said

    answer = terminal.follow(said, "cluster/ready.py: stack logs taskmanager-1")

    assert "out of memory" in answer


@pytest.mark.usefixtures("project")
def test_a_restarted_stack_has_the_slots(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged(folder, "taskmanager-1", "two slots are too few")
    cluster = FakeCluster(lambda submission: SubmittedJob(submission.job, parallelism=2), slots=1)
    terminal = Terminal(capsys, Workspace(settings.load(), cluster=cluster))
    said = terminal.refused("run events --timeout 0")
    assert "not enough free slots: it needs 2" in said

    assert "taskmanager-1" in terminal.follow(said, "cluster/ready.py: stack down")
    assert Processes(folder).pid("taskmanager-1") is None
    cluster.cancel(cluster.jobs()[0].id)
    cluster.slots_in_all = 2
    made_of(monkeypatch, script("taskmanager-1", SERVES, "up", folder))
    terminal.follow(said, "cluster/ready.py: stack up")

    assert Processes(folder).pid("taskmanager-1")
    assert terminal.type("run events --timeout 0")[0] == 0


@pytest.mark.usefixtures("project", "folder")
def test_whether_the_store_serves_is_shown_where_no_checkpoint_completes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = FakeCluster()
    cluster.hold_barriers()
    terminal = Terminal(capsys, Workspace(settings.load(), cluster=cluster))
    said = terminal.refused("run events --timeout 0")
    assert "no checkpoint is complete" in said

    answer = terminal.follow(said, "cluster/ready.py: stack status", exits=1)

    assert serving(answer)["store"] is False


# servers that are not there, or answer nothing of use


def serving(status: str) -> dict[str, bool]:
    """Process → whether it serves, as `stack status` shows it."""
    rows = [line.split() for line in status.splitlines()[1:]]
    return {row[0]: row[-1] == "yes" for row in rows if row}


@pytest.mark.usefixtures("project")
def test_the_stack_is_started_when_no_server_listens(
    folder: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", "s3://lake")
    said = terminal.refused("branch ls events")
    assert "the object store does not answer: the connection is refused" in said

    answer = terminal.follow(said, "contact.py: stack status", exits=1)
    made_of(monkeypatch, script("store", SERVES, "up", folder))
    terminal.follow(said, "contact.py: stack up")

    assert serving(answer)["store"] is False
    assert Processes(folder).pid("store")


@pytest.mark.usefixtures("project", "folder")
def test_a_broker_that_answers_nothing_is_shown(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "PATIENCE_MS", 500)
    said = terminal.refused("topic show events")
    assert "Kafka refused or did not answer" in said

    answer = terminal.follow(said, "cluster/kafka/topics.py: stack status", exits=1)

    assert serving(answer)["kafka"] is False


class _Forbids(BaseHTTPRequestHandler):
    """An object store that knows another key than ours."""

    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.usefixtures("project", "folder")
def test_a_store_that_forbids_is_shown(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Forbids) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", "s3://lake")
        monkeypatch.setenv("HEADRACE__STORE__ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        for secret in ("ACCESS_KEY", "SECRET_KEY"):
            monkeypatch.setenv(f"HEADRACE__STORE__{secret}", "env:HOME")
        try:
            said = terminal.refused("branch ls events")
            assert "see `headrace stack status`, and store.* in deploy/env" in " ".join(said.split())
            answer = terminal.follow(said, "storage/warehouse.py: stack status", exits=1)
        finally:
            server.shutdown()
    assert serving(answer)["store"] is False


# Flink's client


@pytest.mark.usefixtures("project")
def test_flinks_client_comes_with_the_stack(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "bin"
    submit = FlinkRun(lambda: {"PATH": str(home)})
    terminal = Terminal(capsys, Workspace(settings.load(), cluster=_SubmitsBy(submit)))
    said = terminal.refused("run events")
    assert "there is no flink command" in said

    def prepare(*_: object) -> list[Service]:
        home.mkdir()
        (home / "flink").write_text("#!/bin/sh\necho Connection refused >&2\nexit 1\n")
        (home / "flink").chmod(0o755)
        return []

    monkeypatch.setattr(local, "prepare", prepare)
    terminal.follow(said, "cluster/flink_run.py: stack up")

    logged(folder, "jobmanager", "address already in use")
    said = terminal.refused("run events")
    assert "Connection refused" in said
    answer = terminal.follow(said, "cluster/flink_run.py: stack status", exits=1)
    assert serving(answer)["jobmanager"] is False
    assert "address already in use" in terminal.follow(said, "cluster/flink_run.py: stack logs jobmanager")


class _SubmitsBy(FakeCluster):
    """Flink in memory, which gets its jobs from a real client."""

    def __init__(self, submit: FlinkRun) -> None:
        super().__init__()
        self._submit = submit

    def submit(self, submission: Submission, /) -> str:
        return self._submit(submission)
