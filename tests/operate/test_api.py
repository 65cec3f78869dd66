"""What `import headrace.operate` offers is documented, and its results are documents."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
import typing

import pytest

from headrace import operate

FUNCTIONS = [n for n in operate.__all__ if n.islower()]
CLASSES = sorted(set(operate.__all__) - set(FUNCTIONS))
STACK = {"lock_jars", "read_log", "read_stack", "stack_environment", "start_stack", "stop_stack"}
"""What works with the local stack: the settings are all that it needs."""
FILES = {"check_project", "create_pipeline", "create_project"}
"""What only reads or writes a project's files."""
ARGUMENTS = {"Place", "Selection", "Workspace"}
"""What a caller passes in; the other classes are results."""


@pytest.mark.parametrize("name", operate.__all__)
def test_each_public_name_is_there_and_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(getattr(operate, name))


def test_names_that_are_imported_lazily_are_those_that_are_public() -> None:
    assert sorted(vars(operate)["_MODULES"]) == sorted(operate.__all__)


@pytest.mark.parametrize("name", sorted(set(CLASSES) - ARGUMENTS))
def test_each_result_is_a_frozen_value_with_to_json(name: str) -> None:
    result = getattr(operate, name)

    assert result.__dataclass_params__.frozen
    assert dataclasses.is_dataclass(result)
    assert callable(result.to_json)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - FILES))
def test_each_function_takes_an_environment_first(name: str) -> None:
    first = next(iter(inspect.signature(getattr(operate, name)).parameters))

    assert first == ("settings" if name in STACK else "workspace")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_returns_what_has_to_json(name: str) -> None:
    returned = typing.get_type_hints(getattr(operate, name))["return"]

    kinds = [k for k in typing.get_args(returned) or (returned,) if k is not type(None)]
    assert all(hasattr(kind, "to_json") for kind in kinds), returned


def test_a_name_that_is_not_public_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'publish_everything'"):
        getattr(operate, "publish_everything")  # noqa: B009 - mypy would refuse the name


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    command = "import headrace.operate, sys; print(*(m for m in sys.modules if m.startswith('headrace.')))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["headrace.operate"]


def test_nothing_in_operate_prints_or_knows_typer() -> None:
    command = (
        f"import headrace.operate as o, sys; [getattr(o, n) for n in {operate.__all__}]; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)

    assert not {"typer", "headrace.cli"} & set(done.stdout.split())
