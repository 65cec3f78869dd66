from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import StackError
from headrace.stack import java


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A Java home that says of itself what the test wants."""

    def make(version: Any, *, compiler: bool = True) -> None:
        (tmp_path / "bin").mkdir()
        said = f"    java.home = {tmp_path}\n    java.specification.version = {version}\n"
        (tmp_path / "bin" / "java").write_text(f"#!/bin/sh\ncat >&2 <<'E'\n{said}E\n")
        (tmp_path / "bin" / "java").chmod(0o755)
        if compiler:
            (tmp_path / "bin" / "javac").touch()
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    java.jdk.cache_clear()
    yield make
    java.jdk.cache_clear()


@pytest.mark.parametrize("version", [17, 21])
def test_the_jdk_of_java_home_is_taken(fake: Callable[..., None], tmp_path: Path, version: Any) -> None:
    fake(version)

    assert java.jdk() == java.Jdk(tmp_path, version)


@pytest.mark.parametrize("version", ["1.8", "11"])
def test_an_old_one_is_refused(fake: Callable[..., None], version: Any) -> None:
    fake(version)

    with pytest.raises(StackError, match="too old") as e:
        java.jdk()
    assert "JDK 17" in e.value.remedy


def test_one_without_compiler_is_refused(fake: Callable[..., None]) -> None:
    fake(17, compiler=False)

    with pytest.raises(StackError, match="no compiler"):
        java.jdk()


@pytest.mark.usefixtures("fake")
def test_a_missing_java_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))

    with pytest.raises(StackError, match="no Java"):
        java.jdk()
