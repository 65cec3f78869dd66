"""The JDK for everything here: found once and checked, with a clear error if it is missing."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from headrace.errors import StackError

MINIMUM = 17
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""For a JVM that runs for seconds or has little to do: the second compiler would cost more than it saves."""


@dataclass(frozen=True)
class Jdk:
    """A Java home with a compiler."""

    home: Path
    version: int

    def tool(self, name: str) -> str:
        """The path of ``java`` or ``javac``."""
        return str(self.home / "bin" / name)


@functools.cache
def jdk() -> Jdk:
    """The JDK in ``JAVA_HOME``, else the one whose ``java`` is on the PATH.

    Raises:
        StackError: none, too old, or a runtime without compiler.
    """
    named = os.environ.get("JAVA_HOME")
    java = str(Path(named, "bin", "java")) if named else shutil.which("java")
    if not java or not os.access(java, os.X_OK):
        raise _unusable("there is no Java here", where=f"JAVA_HOME={named}" if named else "PATH")
    candidate = _inspect(java)
    if candidate.version < MINIMUM:
        raise _unusable(f"Java {candidate.version} is too old", where=str(candidate.home))
    if not Path(candidate.tool("javac")).exists():
        raise _unusable("this Java has no compiler (javac)", where=str(candidate.home))
    return candidate


def _inspect(java: str) -> Jdk:
    """Ask Java itself for its home and version: a ``java`` on the PATH is often a chain of links."""
    output = subprocess.run(
        [java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False
    ).stderr
    facts = dict(re.findall(r"^\s*(java\.home|java\.specification\.version) = (.+)$", output, re.MULTILINE))
    if len(facts) < 2:  # noqa: PLR2004 - both facts
        raise _unusable("this Java does not run", where=java)
    return Jdk(Path(facts["java.home"]), int(facts["java.specification.version"].split(".")[0]))


def _unusable(what: str, where: str) -> StackError:
    return StackError(what, where=where, remedy=f"install a JDK {MINIMUM} or newer, or set JAVA_HOME to one")
