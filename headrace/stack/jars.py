"""The jars that no Python package contains: listed in ``jars/*.yaml``, pinned by SHA-256 in ``jars/*.lock``.

A lock has one line per jar, ``<sha256>  <group>:<artifact>:<version>``, every transitive one included, and no
address: the registry is the resolver's own default, unless the setting ``stack.jars_repository`` names one.
Jars are fetched once into a cache shared by all projects of a user, and checked every time they are used.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from headrace.errors import StackError, UsageError
from headrace.progress import Progress, silent
from headrace.settings import LocalStack
from headrace.stack import machinery

USES = ("flink", "flink-s3", "kafka", "test")
_AT_ONCE = 6
_TIMEOUT_S = 120


@dataclass(frozen=True, order=True)
class Jar:
    """One locked jar."""

    coordinate: str
    sha256: str

    @property
    def path(self) -> Path:
        """Its path in the cache; the version is in the name, so that no two jars share a file."""
        group, artifact, version = self.coordinate.split(":")
        return Path(group, f"{artifact}-{version}.jar")


def read_lock(use: str) -> list[Jar]:
    """The jars of a use, as its lock names them.

    Raises:
        UsageError: the lock is missing or a line of it is not a checksum and a coordinate.
    """
    path = machinery.jar_lists() / f"{use}.lock"
    if not path.is_file():
        raise UsageError("the jars have no lock", where=str(path), remedy="headrace stack lock")
    return [_parse(line, path, n) for n, line in enumerate(path.read_text().splitlines(), 1) if line.strip()]


def fetch(settings: LocalStack, uses: Iterable[str], progress: Progress = silent) -> dict[str, list[Path]]:
    """Fetch the jars of each use that the cache lacks, check each against its lock, and return their files.

    Raises:
        StackError: a jar cannot be fetched, or has the wrong checksum twice.
    """
    cache = Path(settings.jars_cache).expanduser()
    wanted = {use: read_lock(use) for use in uses}
    todo = sorted({jar for jars in wanted.values() for jar in jars})
    progress(total=len(todo), completed=0, what="jars")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        jobs = [pool.submit(_ensure_cached, jar, cache, settings.jars_repository) for jar in todo]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                progress(completed=done)
        except (
            BaseException
        ):  # also Ctrl-C: the pool waits for started downloads, so the others are cancelled
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {use: [cache / jar.path for jar in jars] for use, jars in wanted.items()}


def lock(settings: LocalStack, progress: Progress = silent) -> dict[str, int]:
    """Resolve ``jars/*.yaml`` again and write the locks; return the number of jars by use."""
    counts, lists = {}, machinery.writable_jar_lists()
    progress(total=len(USES), completed=0)
    for done, use in enumerate(USES, 1):
        progress(what=f"locking {use}")
        source = lists / f"{use}.yaml"
        jars = sorted(_resolve(yaml.safe_load(source.read_text()), settings.jars_repository))
        source.with_suffix(".lock").write_text("".join(f"{j.sha256}  {j.coordinate}\n" for j in jars))
        counts[use] = len(jars)
        progress(completed=done)
    return counts


def _parse(line: str, path: Path, number: int) -> Jar:
    checksum, _, coordinate = line.partition("  ")
    if len(checksum) != hashlib.sha256().digest_size * 2 or coordinate.count(":") != 2:  # noqa: PLR2004 - g:a:v
        raise UsageError("not a locked jar", where=f"{path}:{number}", remedy="headrace stack lock")
    return Jar(coordinate, checksum)


def _ensure_cached(jar: Jar, cache: Path, repository: str) -> None:
    """Ensure that the cache holds this jar; a wrong file is removed and fetched again, once."""
    target = cache / jar.path
    if target.is_file() and _sha256(target) == jar.sha256:
        return
    for last in (False, True):
        checksum = _download(jar, target, repository)
        if checksum == jar.sha256:
            return
        target.unlink()
        if last:
            lock_again = "reinstall headrace" if machinery.PACKAGED.is_dir() else "run: headrace stack lock"
            raise StackError(
                "a downloaded jar does not match its lock",
                where=jar.coordinate,
                remedy=f"do not use it; if the lock is wrong, {lock_again}",
                expected=jar.sha256,
                checksum=checksum,
            )


def _download(jar: Jar, target: Path, repository: str) -> str:
    """Fetch to a temporary folder, then move: no process ever sees a partial file. Return the SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as own:
        try:
            fetched = Path(_maven(Path(own), repository).create_dependency(jar.coordinate).artifact.resolve())
        except (OSError, RuntimeError) as e:  # what requests and jgo raise: no network, no such jar
            raise StackError(
                f"cannot fetch a jar ({type(e).__name__})",
                where=jar.coordinate,
                remedy="check the network, or name another repository: HEADRACE__STACK__JARS_REPOSITORY",
            ) from e
        fetched.replace(target)
    return _sha256(target)


def _resolve(spec: dict[str, Any], repository: str) -> list[Jar]:
    with tempfile.TemporaryDirectory() as own:
        maven = _maven(Path(own), repository)
        # "!" means raw. Else the resolver applies the dependency management of each coordinate to all of
        # them, and log4j's pinned kafka-clients 3.9 ended up beside a 4.3 broker.
        dependencies = [maven.create_dependency(f"{c}!") for c in spec["coordinates"]]
        if spec["transitive"]:
            inputs, rest = maven.resolver.resolve(dependencies)
            dependencies = [*inputs, *rest]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(_lock_line, {str(d.artifact): d for d in dependencies}.values()))


def _lock_line(dependency: Any) -> Jar:
    artifact = dependency.artifact
    return Jar(
        f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}", _sha256(Path(artifact.resolve()))
    )


def _maven(cache: Path, repository: str) -> Any:
    from jgo.maven import MavenContext  # noqa: PLC0415 - an extra: only starting a stack needs it

    repositories = {"setting": repository} if repository else None
    return MavenContext(repo_cache=cache, remote_repos=repositories, timeout=_TIMEOUT_S)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
