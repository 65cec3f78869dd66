"""Commands that messages about the local stack name, where no stack has to run to see that they help."""

from __future__ import annotations

import hashlib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli.remedies import Terminal
from submitting import look_in

from headrace import settings
from headrace.cluster.fake import FakeCluster
from headrace.operate import Workspace
from headrace.stack import files, jars, local, machinery, ports
from headrace.stack.processes import Processes, Service

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


def test_the_log_of_a_process_that_died_says_why(
    folder: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "print('no space left'); [print('at', n) for n in range(20)]; raise SystemExit(3)"
    made_of(monkeypatch, script("kafka", code, "up", folder))
    said = terminal.refused("stack up")
    assert "kafka died while it started" in said
    assert "no space left" not in said

    answer = terminal.follow(said, "stack/processes.py: stack logs □")

    assert "no space left" in answer


def test_secrets_that_are_gone_are_made_anew(
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
        (of_another_jar, "a fetched jar is not the locked one"),
    ],
)
@pytest.mark.usefixtures("registry", "folder")
def test_a_lock_of_the_jars_is_written_anew(
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
    """The tests' project, with a lake on a local disk, and something that listens where Kafka would."""
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECT))
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", f"file://{tmp_path}/lake")
    look_in(str(PROJECT))
    with socket.create_server(("127.0.0.1", 0)) as broker:
        monkeypatch.setenv("HEADRACE__KAFKA__BOOTSTRAP", f"127.0.0.1:{broker.getsockname()[1]}")
        yield


CAUSE = "java.io.IOException: no such bucket"


@pytest.mark.parametrize(("for_good", "what"), [(False, "it fails: "), (True, "it is FAILED: ")])
@pytest.mark.usefixtures("project")
def test_the_jobmanagers_log_says_more_of_a_failure(
    for_good: bool, what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = f"print('{CAUSE}'); print('up', flush=True); import time; time.sleep(600)"
    service = script("jobmanager", code, "up", folder)
    Processes(folder).start(service)
    Processes(folder).wait_ready(service, time.monotonic() + 20)
    cluster = FakeCluster(slots=0)

    def fails(job: str) -> None:
        cluster.fail(job, CAUSE, for_good=for_good)
        cluster.slots_in_all = 4  # which its tasks wait to be given

    cluster.then = fails
    terminal = Terminal(capsys, Workspace(settings.load(), cluster=cluster))
    said = terminal.refused("run events --timeout 0")
    assert f"{what}{CAUSE}" in said

    answer = terminal.follow(said, "cluster/ready.py: stack logs jobmanager")

    assert CAUSE in answer
