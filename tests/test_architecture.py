"""docs/architecture.md against the code: modules, functions, folders, layers, and the metrics it names."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
JAVA = ROOT / "jvm" / "src" / "main" / "java"
SOURCES = (
    "headrace/ledger/survey.py",
    *(f"headrace/cli/{n}.py" for n in ("anchor", "job", "patch", "plan")),
    *(str(p.relative_to(ROOT)) for p in (ROOT / "headrace/operate").rglob("*.py")),
)
ROOMS = ("headrace/verify/findings.py", "headrace/verify/conserved.py", "headrace/read/quarantine.py")
FLINK = {
    "currentOutputWatermark",
    "lastCheckpointDuration",
    "numRecordsIn",
    "numRecordsOut",
    "numRecordsSend",
    "numRestarts",
    "numberOfFailedCheckpoints",
    "pendingCommittables",
    "pendingRecords",
    "retriedCommittables",
    "successfulCommittables",
}
"""Taken from the REST answers of Flink 2.3 while the demo ran."""


def _stages() -> list[list[str]]:
    """The cells of each row of the stage table."""
    table = re.search(r"\| stage \| module .*?\n\n", PAGE, re.DOTALL)
    assert table
    return [row.split("|")[1:-1] for row in table[0].strip().splitlines()[2:]]


def _cells() -> list[str]:
    return [row[-1] for row in _stages()]


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _modules(cell: str) -> list[str]:
    """The paths of a cell; one without a folder is beside the one before it."""
    paths: list[str] = []
    for name in re.findall(r"`([^`]+)`", cell):
        folder = "" if "/" in name.rstrip("/") or not paths else str(Path(paths[-1]).parent) + "/"
        paths.append(folder + name.replace("…", "**").replace("<job>/", ""))
    return paths


@pytest.mark.parametrize("stage", _stages(), ids=lambda row: row[0].strip())
def test_the_modules_of_a_stage_exist(stage: list[str]) -> None:
    assert [path for path in _modules(stage[1]) if not any(ROOT.glob(path))] == []


WAY = re.findall(r"`(headrace\.[\w.]+)`", _section("A record's way"))


@pytest.mark.parametrize("name", WAY)
def test_each_name_on_a_records_way_resolves(name: str) -> None:
    java = JAVA.joinpath(*name.split(".")).with_suffix(".java")
    assert java.is_file() or callable(pkgutil.resolve_name(name))


def test_a_records_way_names_functions_of_each_kind() -> None:
    assert len(WAY) > 30
    assert {"publish", "replay", "verify", "sink", "format"} <= {name.split(".")[1] for name in WAY}


def test_every_folder_has_a_line() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", _section("Rules of the tree"), re.MULTILINE)
    packages = {path.parent.name for path in (ROOT / "headrace").glob("*/__init__.py")}
    assert sorted(listed) == sorted(packages)


def test_the_layers_are_those_that_import_linter_checks() -> None:
    block = re.search(r"```\n(.*?)```", _section("Rules of the tree"), re.DOTALL)
    settings = (ROOT / "pyproject.toml").read_text()
    checked = re.search(r'name = "imports go one way".*?layers = \[\n(.*?)\n\]', settings, re.DOTALL)
    assert block
    assert checked

    layers = [re.findall(r"\w+", layer) for layer in block[1].split("→")]

    assert layers == [re.findall(r"headrace\.(\w+)", line) for line in checked[1].splitlines()]


def test_every_stage_has_a_metric() -> None:
    assert len(_cells()) == 19
    assert all("`" in cell for cell in _cells())


def test_every_metric_is_one_of_flink_or_a_field() -> None:
    source = "".join((ROOT / name).read_text() for name in (*SOURCES, *ROOMS))
    named = {name for cell in _cells() for name in re.findall(r"`([A-Za-z_]+)`", cell)}
    named -= {"Writer", "Committer", "PythonCalc", "status"}  # operators and a command

    camel = {name for name in named if re.search("[A-Z]", name)}

    assert camel <= FLINK
    assert {n for n in named - camel if not re.search(rf'"{n}"|\b{n}: ', source)} == set()
