import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import StackError
from headrace.stack import jvm
from headrace.stack.java import Jdk


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[Any]]:
    """A JVM module of one class and one service file, with a compiler that only counts."""
    source = tmp_path / "jvm" / "src" / "main"
    (source / "java" / "a").mkdir(parents=True)
    (source / "java" / "a" / "A.java").write_text("class A {}")
    (source / "resources" / "META-INF" / "services").mkdir(parents=True)
    (source / "resources" / "META-INF" / "services" / "org.Factory").write_text("a.A\n")
    compiled = []

    def javac(sources: list[Path], _path: list[Path], classes: Path) -> None:
        compiled.append(sources)
        for s in sources:
            (classes / f"{s.stem}.class").write_bytes(s.read_bytes())

    monkeypatch.setattr(jvm, "_javac", javac)
    monkeypatch.setattr(jvm, "jdk", lambda: Jdk(Path("nowhere"), 17))
    return source, compiled


def built(tmp_path: Path, path: Iterable[Path] = ()) -> Path:
    return jvm._build(tmp_path / "jvm" / "src" / "main", list(path), tmp_path / "build", "thing")


@pytest.mark.usefixtures("module")
def test_the_jar_holds_classes_and_services(tmp_path: Path) -> None:
    with zipfile.ZipFile(built(tmp_path)) as jar:
        assert set(jar.namelist()) == {"META-INF/MANIFEST.MF", "A.class", "META-INF/services/org.Factory"}


def test_nothing_is_compiled_when_nothing_changed(module: tuple[Path, list[Any]], tmp_path: Path) -> None:
    assert built(tmp_path) == built(tmp_path)
    assert len(module[1]) == 1


@pytest.mark.parametrize(
    "changed", ["java/a/A.java", "java/B.java", "resources/META-INF/services/org.Factory"]
)
def test_a_changed_source_is_rebuilt_and_the_old_jar_deleted(
    module: tuple[Path, list[Any]], tmp_path: Path, changed: str
) -> None:
    old = built(tmp_path)
    (module[0] / changed).write_text("changed")

    assert built(tmp_path) != old
    assert not old.exists()


@pytest.mark.usefixtures("module")
def test_another_class_path_causes_a_rebuild(tmp_path: Path) -> None:
    assert built(tmp_path, [Path("flink-1.jar")]) != built(tmp_path, [Path("flink-2.jar")])


@pytest.mark.usefixtures("module")
def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first = built(tmp_path).read_bytes()
    built(tmp_path).unlink()

    assert built(tmp_path).read_bytes() == first


def test_flink_is_found_without_importing_it_or_named_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(StackError, match="Flink is not installed"):
        jvm.flink_package()
