"""Compile a job's program with the Flink of its environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from headrace.errors import UsageError
from headrace.job.lock import Lock, compile_lock
from headrace.job.program import Program
from headrace.progress import Progress
from headrace.settings import Settings
from headrace.stack import files, local
from headrace.stack import flink as local_flink

Compiler = Callable[[Program, Progress], Lock]
"""Compiles a program to its lock."""


def compiler(
    settings: Settings, compile_with: Callable[[Program, Mapping[str, str]], Lock] = compile_lock
) -> Compiler:
    """The compiler of an environment, which finds or makes the Flink home that it needs.

    Args:
        settings: of the environment.
        compile_with: compiles with the given variables; by default in a fresh process.
    """

    def compile_program(program: Program, progress: Progress) -> Lock:
        return compile_with(program, _prepare_flink(settings, program.job.name, progress))

    return compile_program


def _prepare_flink(settings: Settings, job: str, progress: Progress) -> dict[str, str]:
    """The variables that name Flink: none if the environment does, else those of the local stack's home.

    That home is made if it does not exist; nothing is started.

    Raises:
        UsageError: the environment names another folder.
    """
    if (home := os.environ.get("FLINK_HOME")) is not None:
        if not any(Path(home, "lib").glob("flink-dist*.jar")):
            raise UsageError(
                "FLINK_HOME names a folder without Flink",
                where=home,
                remedy=f"unset it: `headrace plan {job} --accept` then makes its own home",
            )
        return {}
    local.prepare(settings, files.folder(settings.stack), progress)
    return local_flink.environment(settings)
