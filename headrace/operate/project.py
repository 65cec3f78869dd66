"""Create files from templates: a whole project, or one more pipeline in it. No file is ever overwritten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import headrace
from headrace import project
from headrace.errors import UsageError

TEMPLATES = Path(headrace.__file__).parent / "templates"
FIRST = "orders"
"""The first pipeline of a new project."""
PROJECT_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
"""Names that Python's packaging accepts: a project is installed by its name."""


@dataclass(frozen=True)
class CreatedProject:
    """A new project."""

    folder: Path
    written: tuple[Path, ...]
    """Its files, relative to the folder."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"project": str(self.folder), "written": [str(p) for p in self.written]}


@dataclass(frozen=True)
class CreatedPipeline:
    """A new pipeline in the current project."""

    name: str
    written: tuple[Path, ...]
    """Its files, relative to the project."""

    def to_json(self) -> dict[str, Any]:
        """For ``-o json``."""
        return {"pipeline": self.name, "written": [str(p) for p in self.written]}


def create_project(folder: Path) -> CreatedProject:
    """Create a project with one working pipeline in a folder that does not exist or is empty.

    Raises:
        UsageError: the folder is not empty, or its name is not a valid project name.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "the folder is not empty",
            where=str(folder),
            remedy="choose a folder that does not exist or is empty; headrace new PIPELINE adds to a project",
        )
    name = folder.resolve().name
    if not PROJECT_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a valid project name",
            where=str(folder),
            remedy="use letters, digits, hyphens, dots and underscores",
        )
    filled_in = {"PROJECT": name, "PIPELINE": FIRST, "VERSION": version("headrace")}
    # Without the files that pip compiles when it installs.
    templates = [p for p in (TEMPLATES / "project").rglob("*.*") if p.suffix != ".pyc"]
    shared = {p.relative_to(TEMPLATES / "project"): p for p in templates}
    shared[Path(".gitignore")] = (
        TEMPLATES / "project" / "gitignore"
    )  # under its real name, git would apply it here
    return CreatedProject(folder, _write(folder, {**shared, **_templates(FIRST)}, filled_in))


def create_pipeline(name: str) -> CreatedPipeline:
    """Create the contract, job and samples of a pipeline in the current project.

    Raises:
        UsageError: the name is not valid, or one of the files exists already.
    """
    root, templates = project.root(), _templates(project.require_name(name))
    if taken := [path for path in templates if (root / path).exists()]:
        raise UsageError(
            f"pipeline {name} exists already", where=str(root / taken[0]), remedy="choose another name"
        )
    return CreatedPipeline(name, _write(root, templates, {"PIPELINE": name}))


def _templates(name: str) -> dict[Path, Path]:
    """The templates of a pipeline, by the path that each gets in the project."""
    folder = TEMPLATES / "pipeline"
    return {
        Path("contracts", f"{name}.odcs.yaml"): folder / "contract.odcs.yaml",
        Path("jobs", f"{name}.py"): folder / "job.py",
        Path("samples", f"{name}.jsonl"): folder / "samples.jsonl",
    }


def _write(root: Path, templates: Mapping[Path, Path], filled_in: Mapping[str, str]) -> tuple[Path, ...]:
    words = re.compile(rf"\b({'|'.join(filled_in)})\b")
    for path, template in templates.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(words.sub(lambda word: filled_in[word[0]], template.read_text()))
    return tuple(sorted(templates))
