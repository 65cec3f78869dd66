"""Functions on their way to Flink: what is refused before a worker could stumble over it. No JVM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.errors import JobError
from headrace.job.functions import bind, flink_function, ship_functions
from headrace.table.functions import Function, read_function

FILE = """
from pyflink.table import DataTypes
from pyflink.table.udf import udf
def f(n):
    return n
FAST = "pandas"
made = udf(f, input_types=[DataTypes.{given}()], result_type=DataTypes.{answer}({nullable}){more})
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """Write a module of a name of its own, and read its function."""
    (tmp_path / "udfs").mkdir()
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))

    def function(*, given: str = "INT", answer: str = "INT", nullable: str = "", more: str = "") -> Function:
        module = f"of_{abs(hash(request.node.name))}"
        text = FILE.format(given=given, answer=answer, nullable=nullable, more=more)
        (tmp_path / "udfs" / f"{module}.py").write_text(text)
        return read_function("made", f"udfs.{module}.made", "jobs/j.py")

    return function


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"nullable": "False"}, "leaves no room"),
        ({"more": ", func_type=FAST"}, "func_type is not a literal string"),
        ({"given": "BIGINT", "more": ', func_type="pandas"'}, "cannot take or give BIGINT exactly"),
        ({"answer": "DATE", "more": ', func_type="pandas"'}, "cannot take or give DATE exactly"),
        ({"answer": "TIME"}, "a function cannot give"),
    ],
)
def test_what_is_refused(make: Any, told: dict[str, str], said: str) -> None:
    with pytest.raises(JobError, match=said):
        flink_function(make(**told))


def test_what_is_not_deterministic_stays_so(make: Any) -> None:
    assert not flink_function(make(more=", deterministic=False"))._deterministic


def test_a_built_in_is_not_shadowed(make: Any) -> None:
    class Environment:
        def list_functions(self) -> list[str]:
            return ["MADE"]

    with pytest.raises(JobError, match="made is a function of Flink already"):
        bind(Environment(), [make()])


def test_files_of_the_environment_are_shipped_too(make: Any) -> None:
    function = make()
    with ship_functions([function], {"python.files": "more.zip", "python.executable": "python9"}) as options:
        folder, more = options["python.files"].split(",")
        assert [p.name for p in Path(folder).iterdir()] == ["udfs"], "of the project, nothing else"
        assert (more, options["python.executable"]) == ("more.zip", "python9")
    with ship_functions([], {"a": "b"}) as options:
        assert options == {"a": "b"}
