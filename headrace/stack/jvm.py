"""headrace's JVM module as one jar: the wheel's, or ``jvm/src/main``, compiled when it has changed."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import yaml

from headrace.errors import StackError
from headrace.progress import Progress
from headrace.settings import LocalStack
from headrace.stack import jars, machinery
from headrace.stack.java import QUICK, jdk

RELEASE = "17"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def flink_package() -> Path:
    """The folder of the installed ``apache-flink``, found without importing it.

    Raises:
        StackError: it is not installed.
    """
    spec = importlib.util.find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("Flink is not installed here", remedy="pip install 'headrace[flink,stack]'")
    return Path(spec.submodule_search_locations[0])


def jar(settings: LocalStack, build: Path) -> Path:
    """The module's jar; in a checkout, it is built if its sources, resources or class path have changed.

    Raises:
        StackError: it does not compile; the message has javac's output.
    """
    if packaged := machinery.packaged_jar():
        return packaged
    return _build(machinery.jvm_sources() / "main", fetch_compile_path(settings), build, "headrace-jvm")


def fetch_compile_path(settings: LocalStack) -> list[Path]:
    """Fetch the jars that the module compiles against: Flink's own and those beside them in a cluster."""
    return [*sorted((flink_package() / "lib").glob("*.jar")), *jars.fetch(settings, ["flink"])["flink"]]


def run_tests(settings: LocalStack, build: Path, progress: Progress) -> subprocess.CompletedProcess[str]:
    """Compile and run ``jvm/src/test`` with JUnit; its output and exit code show what failed."""
    progress(what="compiling jvm")
    path = [*fetch_compile_path(settings), *jars.fetch(settings, ["test"])["test"]]
    main = jar(settings, build)
    tests = _build(machinery.jvm_sources() / "test", [main, *path], build, "headrace-jvm-tests")
    progress(what="testing jvm")
    console = "org.junit.platform.console.ConsoleLauncher"
    argv = [jdk().tool("java"), *QUICK, *opens(), "-cp", _joined([tests, main, *path]), console, "execute"]
    return subprocess.run(
        [*argv, f"--scan-classpath={tests}", "--details=tree", "--disable-banner", "--disable-ansi-colors"],
        capture_output=True,
        text=True,
        check=False,
    )


def opens() -> list[str]:
    """The JVM flags from Flink's own configuration, for its access to JDK internals."""
    shipped = yaml.safe_load((flink_package() / "conf" / "config.yaml").read_text())
    return str(shipped["env"]["java"]["opts"]["all"]).split()


def _build(source: Path, path: list[Path], build: Path, name: str) -> Path:
    java = sorted((source / "java").rglob("*.java"))
    if not java:
        raise StackError(
            "the JVM module's sources are missing", where=str(source), remedy="restore jvm/ of this checkout"
        )
    resources = sorted(p for p in (source / "resources").rglob("*") if p.is_file())
    target = build / f"{name}-{_digest([*java, *resources], source, path)}.jar"
    if target.exists():
        return target
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as own:
        classes = Path(own, "classes")
        classes.mkdir()
        _javac(java, path, classes)
        _pack(Path(own, "out.jar"), [(classes, classes.rglob("*")), (source / "resources", resources)])
        Path(own, "out.jar").replace(target)
    for old in build.glob(f"{name}-????????????????.jar"):
        if old != target:
            old.unlink(missing_ok=True)
    return target


def _digest(files: list[Path], source: Path, path: list[Path]) -> str:
    digest = hashlib.sha256(f"{RELEASE} {jdk().version} {sorted(p.name for p in path)}".encode())
    for file in files:
        digest.update(f"\0{file.relative_to(source)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _javac(sources: list[Path], path: list[Path], classes: Path) -> None:
    arguments = ["--release", RELEASE, "-proc:none", "-encoding", "UTF-8", "-Xlint:deprecation,unchecked"]
    done = subprocess.run(
        [jdk().tool("javac"), *arguments, "-cp", _joined(path), "-d", str(classes), *map(str, sources)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackError(
            f"the JVM module does not compile:\n{done.stderr.strip()}", where=str(machinery.jvm_sources())
        )


def _pack(target: Path, roots: list[tuple[Path, Iterable[Path]]]) -> None:
    """Write a jar that has the same bytes for the same sources."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF", _EPOCH), "Manifest-Version: 1.0\n")
        for root, files in roots:
            for file in sorted(f for f in files if f.is_file()):
                packed.writestr(zipfile.ZipInfo(file.relative_to(root).as_posix(), _EPOCH), file.read_bytes())


def _joined(path: Iterable[Path]) -> str:
    return os.pathsep.join(map(str, path))
