"""The location of headrace's jars and JVM module: inside the installed package, or in its checkout.

A wheel carries ``headrace/machinery``: the jar lists with their locks, and the compiled JVM module. So a
project needs no clone of headrace. A checkout has ``jars/`` and ``jvm/`` instead, and compiles the module.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import headrace
from headrace.errors import StackError, UsageError

CHECKOUT = Path(headrace.__file__).resolve().parents[1]
PACKAGED = Path(headrace.__file__).resolve().parent / "machinery"
SOURCES_DIGEST = "sources.sha256"
"""The file beside a packaged jar with the digest of the sources it was compiled from; ``setup.py`` compares
it."""


def packaged_jar() -> Path | None:
    """The compiled JVM module that came with the wheel; None in a checkout.

    Raises:
        StackError: the wheel does not contain it.
    """
    if not PACKAGED.is_dir():
        return None
    jars = sorted(PACKAGED.glob("headrace-jvm-*.jar"))
    if not jars:
        raise StackError(
            "this installation lacks the JVM module",
            where=str(PACKAGED),
            remedy="install its wheel again",
        )
    return jars[0]


def jvm_sources() -> Path:
    """The checkout's ``jvm/src``: ``main`` and ``test``."""
    return CHECKOUT / "jvm" / "src"


def jar_lists() -> Path:
    """The folder of ``<use>.yaml`` and ``<use>.lock``."""
    return PACKAGED / "jars" if PACKAGED.is_dir() else CHECKOUT / "jars"


def writable_jar_lists() -> Path:
    """The same, to write locks into.

    Raises:
        UsageError: headrace is installed from a wheel, and its release fixes the jars.
    """
    if PACKAGED.is_dir():
        raise UsageError(
            "an installation has the jars of its release",
            where=str(jar_lists()),
            remedy="lock them in a checkout of headrace",
        )
    return jar_lists()


def sources_digest(sources: Path) -> str:
    """SHA-256 of the JVM module's sources and resources, names included."""
    digest = hashlib.sha256()
    for file in sorted(p for p in (sources / "main").rglob("*") if p.is_file()):
        digest.update(f"{file.relative_to(sources).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def main(target: str) -> None:
    """Collect in a folder what a wheel contains; run as ``python -m headrace.stack.machinery FOLDER``."""
    from headrace.settings import LocalStack  # noqa: PLC0415 - setup.py loads this file for its digest alone
    from headrace.stack import jvm  # noqa: PLC0415

    folder = Path(target)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(jar_lists(), folder / "jars", ignore=shutil.ignore_patterns("test.*"))
    jvm.jar(LocalStack(), folder)
    (folder / SOURCES_DIGEST).write_text(sources_digest(jvm_sources()))


if __name__ == "__main__":
    main(sys.argv[1])
