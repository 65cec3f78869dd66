"""Python functions on their way to Flink: the constants of ``udfs/``, guarded, typed, and shipped.

Workers run what :mod:`headrace.job.guard` puts around a function, in the interpreter of the job's own
environment; of the project they get ``udfs/`` and nothing else.
"""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle
from pyflink.table import DataTypes
from pyflink.table import types as t
from pyflink.table.udf import (
    UserDefinedScalarFunctionWrapper,
    UserDefinedTableFunctionWrapper,
    udf,
    udtf,
)

from headrace import project
from headrace.errors import JobError
from headrace.job import guard
from headrace.table.functions import WRAPPED, Function

cloudpickle.register_pickle_by_value(guard)  # else a worker would have to import headrace

_KINDS: dict[type, str] = {
    t.VarCharType: "STRING",
    t.BooleanType: "BOOLEAN",
    t.IntType: "INT",
    t.BigIntType: "BIGINT",
    t.DoubleType: "DOUBLE",
    t.DecimalType: "DECIMAL",
    t.DateType: "DATE",
}
_VECTORS = {"STRING", "BOOLEAN", "INT", "BIGINT", "DOUBLE"}
"""What pandas and Arrow hand over as it is. A nullable BIGINT argument is not: pandas makes a float of it."""


def bind(table_env: Any, functions: Sequence[Function]) -> None:
    """Make each function callable in SQL under its name.

    Raises:
        JobError: its module raises, or the constant is not what its file seems to say.
    """
    known = {str(name).lower() for name in table_env.list_functions()} if functions else set()
    for function in functions:
        if function.name in known:
            raise JobError(
                f"{function.name} is a function of Flink already, and a call would be that one's",
                where=f"functions of the job, {function.path}",
                remedy="give it another name",
            )
        table_env.create_temporary_function(function.name, flink_function(function))


@contextmanager
def ship_functions(functions: Sequence[Function], given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The given options, with those that bring a copy of ``udfs/`` to the workers."""
    if not functions:
        yield dict(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        source = project.root() / "udfs"
        shutil.copytree(source, Path(folder) / "udfs", ignore=shutil.ignore_patterns("__pycache__"))
        files = ",".join(filter(None, [folder, given.get("python.files")]))
        yield {"python.executable": sys.executable, **given, "python.files": files}


def flink_function(function: Function) -> Any:
    """What Flink is given: the function behind its guard, with a type that has room for a reason."""
    wrapper, where = _constant(function), function.path
    pure = wrapper._func  # noqa: SLF001 - the wrapper has no other way to tell
    given = _typed(wrapper._input_types, where)  # noqa: SLF001 - as above
    strict = _strict(pure, len(given), where)
    same = wrapper._deterministic  # noqa: SLF001 - as above
    if isinstance(wrapper, UserDefinedTableFunctionWrapper):
        types = _typed(wrapper._result_types, where)  # noqa: SLF001 - as above
        made = guard.table(pure, strict, [_check(r, where) for r in types])
        return udtf(made, input_types=given, result_types=[*types, DataTypes.STRING()], deterministic=same)
    (answer,) = _typed([wrapper._result_type], where)  # noqa: SLF001 - as above
    if (wrapper._func_type == "pandas") != (function.kind == "pandas"):  # noqa: SLF001 - as above
        raise JobError(
            "func_type is not a literal string",
            where=where,
            remedy='write func_type="pandas" in the call',
        )
    row = DataTypes.ROW([DataTypes.FIELD("answer", answer), DataTypes.FIELD("reason", DataTypes.STRING())])
    if function.kind == "pandas":
        kinds = [_kind(g, where) for g in (*given, answer)]
        if wrong := next((k for k in kinds if k not in _VECTORS), "BIGINT" if "BIGINT" in kinds[:-1] else ""):
            raise JobError(
                f"a pandas function cannot take or give {wrong} exactly",
                where=where,
                remedy="omit func_type: scalar functions accept every type",
            )
        made = guard.pandas(pure, strict, kinds)
        return udf(made, input_types=given, result_type=row, func_type="pandas", deterministic=same)
    made = guard.scalar(pure, strict, _check(answer, where))
    return udf(made, input_types=given, result_type=row, deterministic=same)


def _constant(function: Function) -> Any:
    if str(project.root()) not in sys.path:
        sys.path.insert(0, str(project.root()))
    module, _, name = function.path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except (Exception, SystemExit) as e:
        folder = project.root().resolve()
        frames = [
            f
            for f in traceback.extract_tb(e.__traceback__)
            if Path(f.filename).is_relative_to(folder / "udfs")
        ]
        place = f"{Path(frames[-1].filename).relative_to(folder)}:{frames[-1].lineno}" if frames else module
        raise JobError(
            f"the module of function {function.name} raises {type(e).__name__}",
            where=place,
            remedy="correct it: workers import it too",
        ) from e
    wrappers = (UserDefinedScalarFunctionWrapper, UserDefinedTableFunctionWrapper)
    if not isinstance(found, wrappers) or not inspect.isfunction(found._func):  # noqa: SLF001 - as above
        raise JobError(
            f"{function.path} is not a function that is wrapped for Flink",
            where=function.path,
            remedy=f"write {WRAPPED}; aggregates are SQL's: in a window, Flink keeps a Python one forever",
        )
    return found


def _typed(types: Sequence[Any] | None, where: str) -> list[Any]:
    if not types or not all(isinstance(one, t.DataType) for one in types):
        raise JobError("the function does not declare its types", where=where, remedy=f"write {WRAPPED}")
    return list(types)


def _strict(pure: Callable[..., Any], arguments: int, where: str) -> list[int]:
    """Positions of the arguments that are never NULL in a call: all whose annotation does not have None."""
    parameters = inspect.signature(pure).parameters.values()
    if len(parameters) != arguments:
        raise JobError(
            f"the function takes {len(parameters)} arguments, and {arguments} types are declared",
            where=where,
            remedy="say one type for each",
        )
    # As text: an annotation need not be there for Python at run time.
    return [i for i, p in enumerate(parameters) if not re.search(r"\b(None|Optional)\b", str(p.annotation))]


def _kind(type_: Any, where: str) -> str:
    if type(type_) not in _KINDS:
        raise JobError(
            f"a function cannot give {type_}",
            where=where,
            remedy=f"use one of {', '.join(_KINDS.values())}",
        )
    if not type_._nullable:  # noqa: SLF001 - as above
        raise JobError(
            f"{type_} leaves no room for a value that fails", where=where, remedy="leave the NOT NULL out"
        )
    return _KINDS[type(type_)]


def _check(type_: Any, where: str) -> guard.AnswerCheck:
    if _kind(type_, where) == "DECIMAL":
        return guard.check("DECIMAL", type_.precision, type_.scale)
    return guard.check(_kind(type_, where))
