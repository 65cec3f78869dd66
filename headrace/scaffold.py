"""New files from templates: a whole project, or one more pipeline in it. No file is ever overwritten."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import headrace
from headrace import project
from headrace.errors import UsageError

TEMPLATES = Path(headrace.__file__).parent / "templates"
FIRST = "orders"
"""The pipeline that a new project begins with."""
PROJECT_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
"""Names that Python's packaging takes: a project is installed by its name."""


def new_project(folder: Path) -> list[Path]:
    """Write a project with one working pipeline into a folder that does not exist or is empty.

    Returns:
        The files written, relative to the folder.

    Raises:
        UsageError: something is there already, or the folder's name cannot name a project.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "there is something already",
            where=str(folder),
            remedy="choose a folder that does not exist or is empty; headrace new PIPELINE adds to a project",
        )
    name = folder.resolve().name
    if not PROJECT_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a project",
            where=str(folder),
            remedy="use letters, digits, hyphens, dots and underscores",
        )
    filled_in = {"PROJECT": name, "PIPELINE": FIRST, "VERSION": version("headrace")}
    # Not what pip compiles where it installs.
    found = [p for p in (TEMPLATES / "project").rglob("*.*") if p.suffix != ".pyc"]
    shared = {p.relative_to(TEMPLATES / "project"): p for p in found}
    shared[Path(".gitignore")] = TEMPLATES / "project" / "gitignore"  # under its own name it would work here
    return _write(folder, {**shared, **_pipeline(FIRST)}, filled_in)


def new_pipeline(name: str) -> list[Path]:
    """Write contract, job and samples of a pipeline into the project here.

    Returns:
        The files written, relative to the project.

    Raises:
        UsageError: the name is not one, or one of the files is there already.
    """
    root, templates = project.root(), _pipeline(project.checked(name))
    if taken := [path for path in templates if (root / path).exists()]:
        raise UsageError(
            f"pipeline {name} is there already", where=str(root / taken[0]), remedy="choose another name"
        )
    return _write(root, templates, {"PIPELINE": name})


def _pipeline(name: str) -> dict[Path, Path]:
    """Path in the project → template."""
    folder = TEMPLATES / "pipeline"
    return {
        Path("contracts", f"{name}.odcs.yaml"): folder / "contract.odcs.yaml",
        Path("jobs", f"{name}.py"): folder / "job.py",
        Path("samples", f"{name}.jsonl"): folder / "samples.jsonl",
    }


def _write(root: Path, templates: dict[Path, Path], filled_in: dict[str, str]) -> list[Path]:
    words = re.compile(rf"\b({'|'.join(filled_in)})\b")
    for path, template in templates.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(words.sub(lambda word: filled_in[word[0]], template.read_text()))
    return sorted(templates)
