import stat
from pathlib import Path

import pytest
import yaml

from headrace.settings import LocalStack, Ports, Settings, load
from headrace.stack import files, flink, jvm
from headrace.stack.flink_config import Memory, config
from headrace.stack.java import Jdk


@pytest.fixture
def at(tmp_path: Path) -> files.Folder:
    return files.Folder(tmp_path)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    package = tmp_path / "pyflink"
    (package / "conf").mkdir(parents=True)
    shipped = {"env": {"java": {"opts": {"all": "--add-opens=a/b=ALL-UNNAMED"}}}}
    (package / "conf" / "config.yaml").write_text(yaml.safe_dump(shipped))
    monkeypatch.setattr(jvm, "flink_package", lambda: package)
    monkeypatch.setattr(flink, "jdk", lambda: Jdk(tmp_path / "jdk", 17))
    return Settings(stack=LocalStack(folder=str(tmp_path), ports=Ports(kafka=1, s3=2, flink_rest=3)))


@pytest.mark.parametrize("total", [1280, 1728, 4096])
def test_a_workers_memory_adds_up(total: int) -> None:
    m = Memory(total, worker=True)

    assert m.heap + m.managed + m.network + 128 + 256 + 192 == total
    assert m.heap >= 256


def test_a_jobmanager_has_neither_network_nor_managed_memory() -> None:
    m = Memory(1024, worker=False)

    assert (m.network, m.managed, m.heap) == (0, 0, 448)


def test_flink_is_told_the_worker_division_that_its_jvm_gets(settings: Settings, at: files.Folder) -> None:
    told = config(settings, at)
    heap = sum(int(told[f"taskmanager.memory.{k}.heap.size"][:-1]) for k in ("framework", "task"))

    assert f"-Xmx{heap}m" in Memory(settings.stack.taskmanager_mb, worker=True).flags()


def test_the_defaults_that_lose_data_are_set_otherwise(settings: Settings, at: files.Folder) -> None:
    told = config(settings, at)

    assert {
        k.removeprefix("execution.checkpointing."): v for k, v in told.items() if "checkpointing" in k
    } == {
        "incremental": True,
        "mode": "EXACTLY_ONCE",
        "unaligned.enabled": False,
        "aligned-checkpoint-timeout": "0 s",
        "max-concurrent-checkpoints": 1,
        "num-retained": 3,
        "externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "dir": "s3://lake/_flink/checkpoints",
        "savepoint-dir": "s3://lake/_flink/savepoints",
    }


def test_addresses_and_credentials_are_those_of_the_stack(settings: Settings, tmp_path: Path) -> None:
    assert settings.kafka.bootstrap == "127.0.0.1:1"
    assert settings.store.endpoint == "http://127.0.0.1:2"
    assert settings.flink.rest == "http://127.0.0.1:3"
    assert settings.store.access_key == f"file:{tmp_path}/secrets/access_key"


def test_a_setting_of_the_environment_is_not_overridden() -> None:
    given = Settings.model_validate({"kafka": {"bootstrap": "far:9092"}, "stack": {"folder": "x"}})

    assert given.kafka.bootstrap == "far:9092"
    assert given.store.access_key == "file:x/secrets/access_key"


def test_an_environment_without_a_stack_refers_to_its_process_environment() -> None:
    assert Settings.model_validate({}).store.access_key == "env:AWS_ACCESS_KEY_ID"


def test_secrets_are_made_once_and_only_their_owner_reads_them(at: files.Folder) -> None:
    files.make_secrets(at)
    first = at.access_key.read_text()
    files.make_secrets(at)

    assert at.access_key.read_text() == first != at.secret_key.read_text()
    for path in (at.access_key, at.secret_key, at.credentials):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(at.access_key.parent.stat().st_mode) == 0o700


def test_no_secret_is_in_flinks_configuration_or_in_the_environment(
    settings: Settings, at: files.Folder
) -> None:
    files.make_secrets(at)
    shown = f"{config(settings, at)} {flink.environment(settings)}"

    assert at.access_key.read_text().strip() not in shown
    assert at.secret_key.read_text().strip() not in shown


def test_the_environment_leads_every_setting_to_this_stack(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "deploy" / "env").mkdir(parents=True)
    (tmp_path / "deploy" / "env" / "local.yaml").write_text("stack:\n  folder: elsewhere\n")
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    for name, value in flink.environment(settings).items():
        monkeypatch.setenv(name, value)

    assert load() == settings


def test_search_paths_hold_each_folder_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    once = flink.environment(settings)["PATH"]
    monkeypatch.setenv("PATH", once)

    assert flink.environment(settings)["PATH"] == once


def test_links_are_made_to_match(tmp_path: Path) -> None:
    for name in ("a.jar", "b.jar", "new/a.jar"):
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).touch()
    into = tmp_path / "into"

    flink._link(into, [tmp_path / "from" / "a.jar", tmp_path / "from" / "b.jar"])
    flink._link(into, [tmp_path / "from" / "new" / "a.jar"])

    assert {p.name: p.readlink() for p in into.iterdir()} == {"a.jar": tmp_path / "from" / "new" / "a.jar"}
