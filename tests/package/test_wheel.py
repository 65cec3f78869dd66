"""The wheel in an empty folder: all that a project needs is in it, and a project's README runs there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from headrace.stack import ports

ROOT = Path(__file__).parents[2]
SOURCES = ("headrace", "jars", "jvm", "setup.py", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is built from."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    """The wheel, built as `make wheel` does."""
    _done(_run(checkout, "-m", "headrace.stack.machinery", "build/machinery"))
    _done(_build(checkout))
    return next((checkout / "dist").glob("*.whl"))


@dataclass(frozen=True)
class Elsewhere:
    """An environment with the wheel, and an empty folder."""

    python: Path
    folder: Path
    environment: Mapping[str, str]

    def shell(self, script: str, within: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=within or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """The wheel installed; its dependencies are those of this environment, whose headrace is not seen."""
    folder = tmp_path_factory.mktemp("elsewhere")
    _done(_run(folder, "-m", "venv", "--without-pip", "env"))
    python = folder / "env" / "bin" / "python"
    _done(_run(folder, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", str(wheel)))
    packages = next((folder / "env" / "lib").glob("python3.*")) / "site-packages"
    # Python reads no .pth file in a folder that a .pth file names: the checkout's own install is not seen.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    (python.parent / "weed").symlink_to(Path(sys.executable).parent / "weed")
    free = {f"HEADRACE__STACK__PORTS__{k.upper()}": str(v) for k, v in ports.choose().model_dump().items()}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADRACE", "FLINK", "PYTHON"))}
    path = os.pathsep.join([str(python.parent), kept["PATH"]])
    environment = {**kept, **free, "PATH": path, "HEADRACE__STACK__SHORT_LIVED": "true"}
    return Elsewhere(python, folder, environment)


def test_it_carries_what_a_project_needs(wheel: Path) -> None:
    with ZipFile(wheel) as packed:
        names = packed.namelist()
        [jar] = [n for n in names if re.fullmatch(r"headrace/machinery/headrace-jvm-\w+\.jar", n)]
        with ZipFile(packed.open(jar)) as module:
            assert "headrace/format/StrictJsonDecoder.class" in module.namelist()
    for needed in ("machinery/jars/flink.lock", "machinery/jars/kafka.lock", "templates/pipeline/job.py"):
        assert f"headrace/{needed}" in names


def test_it_is_not_built_without_the_jvm_module_of_its_sources(
    checkout: Path, wheel: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "checkout"
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns("dist", wheel.name))
    (copy / "jvm" / "src" / "main" / "java" / "headrace" / "New.java").write_text("class New {}")

    done = _build(copy)

    assert done.returncode
    assert "the JVM module is not compiled from these sources. To build a wheel: make wheel" in done.stderr


def test_the_readme_of_a_new_project_runs_as_it_stands(elsewhere: Elsewhere) -> None:
    _done(elsewhere.shell("headrace init shop"))
    shop = elsewhere.folder / "shop"
    tour = re.search(r"<!-- tour -->\n```bash\n(.*?)```", (shop / "README.md").read_text(), re.DOTALL)
    assert tour
    steps = tour[1].replace("headrace stack down", "")
    try:
        said = _done(elsewhere.shell(steps, shop))
        verified = json.loads(_done(elsewhere.shell("headrace verify orders -o json", shop)))
        counted = _done(elsewhere.shell('headrace query "SELECT count(*) AS n FROM orders" -o json', shop))
        added = _done(elsewhere.shell("headrace new payments && headrace plan payments --accept", shop))
    finally:
        _done(elsewhere.shell("headrace stack down", shop))

    assert "paid" in said
    assert "amount_is_positive" in said
    assert verified["verdict"] == "proved"
    assert counted.count("60") == 1
    assert (shop / "jobs" / "payments.lock.json").is_file(), added
    _done(elsewhere.shell("python -m pytest -q -p no:cacheprovider tests", shop))


def test_headrace_comes_from_the_wheel(elsewhere: Elsewhere) -> None:
    said = _done(elsewhere.shell('python -c "import headrace; print(headrace.__file__)"'))
    assert Path(said.strip()).is_relative_to(elsewhere.folder)


def test_an_existing_file_is_never_overwritten(elsewhere: Elsewhere) -> None:
    _done(elsewhere.shell("headrace init twice"))
    again = elsewhere.shell("headrace init twice")
    assert (again.returncode, "the folder is not empty" in again.stderr) == (2, True)
    job = elsewhere.folder / "twice" / "jobs" / "orders.py"
    job.write_text("mine")
    refused = elsewhere.shell("headrace new orders", elsewhere.folder / "twice")
    assert (refused.returncode, job.read_text()) == (2, "mine")


def _build(checkout: Path) -> subprocess.CompletedProcess[str]:
    return _run(checkout, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", "dist", ".")


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def _done(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout
