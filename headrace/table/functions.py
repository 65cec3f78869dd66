"""The Python functions of a derive job: constants in ``udfs/``, read as syntax and never imported here.

A function's module stays free of headrace, so that it is tested and used without it: a pure function, and
a constant of the same module that wraps it for Flink with its types. In SQL a call gives an answer *or* a
reason: ``f(x).answer`` and ``f(x).reason``; a table function has the reason in its last column.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlglot

from headrace import project
from headrace.errors import JobError
from headrace.table.steps import Step

Kind = Literal["scalar", "pandas", "table"]

WRAPPED = "constant = udf(function, input_types=[…], result_type=…), or udtf(…, result_types=[…])"
_PATH = re.compile(r"udfs\.([a-z][a-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_]*)")
_TYPES = {"udf": ("input_types", "result_type"), "udtf": ("input_types", "result_types")}
_SQL = {
    **{name: name.upper() for name in ("abs", "round", "upper", "lower", "lstrip", "rstrip", "replace")},
    **{name: name.upper() for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sqrt", "exp", "floor")},
    "len": "CHAR_LENGTH",
    "strip": "TRIM",
    "min": "LEAST",
    "max": "GREATEST",
    "sub": "REGEXP_REPLACE",
    "ceil": "CEIL",
    "str": "CAST",
    "int": "CAST",
    "float": "CAST",
    "bool": "CAST",
    "startswith": "STARTSWITH",
    "endswith": "ENDSWITH",
    "log": "LN",
    "radians": "RADIANS",
}
"""What Python calls it, and what Flink's SQL does."""
_PLAIN = (
    *(ast.Return, ast.If, ast.IfExp, ast.Assign, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Call),
    *(ast.Name, ast.Constant, ast.Attribute, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
    ast.expr_context,
)
"""What SQL has too: conditions, arithmetic, calls."""


@dataclass(frozen=True)
class Function:
    """A name in SQL, and the constant that it stands for."""

    name: str
    path: str
    kind: Kind
    digest: str
    """SHA-256 of all that is shipped, which is ``udfs/``: an edited function is another program."""
    columns: int
    """Of a table function, with its reason; 0 where the file does not tell plainly."""
    builtins: tuple[str, ...]
    """What of Flink's SQL would do the same, where the function is no more than that; empty otherwise."""


def read_function(name: str, path: str, where: str) -> Function:
    """What the file of a function says about it.

    Raises:
        JobError: there is no such constant, it is not wrapped with its types, or it needs headrace.
    """
    found = _PATH.fullmatch(path)
    if not project.NAME.fullmatch(name):
        remedy = "use lower-case letters, digits and underscores; SQL does not tell case apart"
        raise JobError(f"{name!r} is not a name for a function", where=where, remedy=remedy)
    if not found:
        remedy = f'write functions={{"{name}": "udfs.module.constant"}}'
        raise JobError(f"{path!r} is not the address of a function", where=where, remedy=remedy)
    module, constant = found.groups()
    file, place = project.root() / "udfs" / f"{module}.py", f"udfs/{module}.py"
    if not file.is_file():
        raise JobError(f"function {name} has no file", where=place, remedy=f"write {WRAPPED}")
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as e:
        begin = getattr(e, "lineno", None) or 1
        what = f"not Python: {getattr(e, 'msg', e)}"
        raise JobError(what, where=f"{place}:{begin}", remedy="correct it") from e
    _refuse_impure(tree, place)
    wrapper = _wrapper(tree, constant)
    if wrapper is None:
        raise JobError(
            f"{constant} is not in the file as a plain {constant} = udf(…), or udtf(…)",
            where=place,
            remedy=f"write {WRAPPED}; aggregates are SQL's",
        )
    at, how = f"{place}:{wrapper.lineno}", wrapper.func.id if isinstance(wrapper.func, ast.Name) else ""
    given = {k.arg: k.value for k in wrapper.keywords}
    if not {*_TYPES[how]} <= given.keys():
        raise JobError(f"{constant} does not say its types", where=at, remedy=f"write {WRAPPED}")
    vectorized = isinstance(v := given.get("func_type"), ast.Constant) and v.value == "pandas"
    kind: Kind = "table" if how == "udtf" else "pandas" if vectorized else "scalar"
    does = _builtins(_wrapped(tree, wrapper)) if kind != "table" else ()
    types = given.get("result_types")
    columns = len(types.elts) + 1 if isinstance(types, ast.List | ast.Tuple) else 0
    return Function(name, path, kind, _shipped(), columns, does)


def _shipped() -> str:
    """The digest of ``udfs/``: what one module needs of another, or reads, is part of it."""
    folder = project.root() / "udfs"
    files = sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest() + str(file.relative_to(folder)).encode())
    return digest.hexdigest()


def _refuse_impure(tree: ast.Module, place: str) -> None:
    for line, imported in _imports(tree):
        if imported.partition(".")[0] in ("headrace", "jobs"):
            raise JobError(
                f"a function may not import {imported}",
                where=f"{place}:{line}",
                remedy="keep it pure: of the project, workers get udfs/ and nothing else",
            )


def unread(functions: Sequence[Function], steps: Sequence[Step], job: str, where: str) -> Iterator[JobError]:
    """Functions that no step calls, and calls whose reason no step reads: a failure would be silent."""
    told = {step.name: sqlglot.tokenize(step.sql, dialect="spark") for step in steps}
    words = {name: [t.text for t in tokens] for name, tokens in told.items()}
    calls = [c for f in functions for name, text in words.items() for c in _calls(name, text, f)]
    for function in functions:
        if not any(c.function == function for c in calls):
            remedy = f"call {function.name}(…) in a step, or take it out of functions"
            yield JobError(f"no step calls function {function.name}", where=where, remedy=remedy)
    aliases = [c.alias for c in calls if c.function.kind != "table"]
    for call in calls:
        line = told[call.step][call.at].line
        place, name = f"sql/{job}/{call.step}.sql:{line}", call.function.name
        if call.function.kind == "table":
            heard = _heard(call, words[call.step])
            how = "name all columns, AS t(…, reason), and select the last one in the same step"
        else:
            heard = aliases.count(call.alias) == 1 and any(_reads(t, call.alias) for t in words.values())
            how = f"name each call, in a step of its own: {name}(…) AS x, and select x.reason too"
        if not heard:
            what = f"the reason of {name} is read nowhere: what fails would be NULL, untold"
            yield JobError(what, where=place, remedy=how)


@dataclass(frozen=True)
class _Call:
    """Where a function is called, and what its answer is named."""

    function: Function
    step: str
    at: int
    """The place of its name among the words of the step."""
    alias: str
    columns: tuple[str, ...]
    end: int
    """The place of the last word that belongs to it."""


def _calls(step: str, text: Sequence[str], function: Function) -> Iterator[_Call]:
    for at in (i for i, w in enumerate(text) if w.lower() == function.name and text[i + 1 : i + 2] == ["("]):
        end = _closing(text, at + 1) + (1 if function.kind == "table" else 0)  # LATERAL TABLE(f(…))
        named = [w.upper() for w in text[end + 1 : end + 2]] == ["AS"]
        alias = text[end + 2] if named else ""
        columns: tuple[str, ...] = ()
        if named and text[end + 3 : end + 4] == ["("]:
            last = _closing(text, end + 3)
            columns, end = tuple(w for w in text[end + 4 : last] if w != ","), last
        yield _Call(function, step, at, alias, columns, end)


def _heard(call: _Call, text: Sequence[str]) -> bool:
    """Whether the step selects the last column of a table function, of which all are named."""
    if not call.columns or call.function.columns not in (0, len(call.columns)):
        return False
    outside = [i for i in range(len(text)) if not call.at <= i <= call.end and text[i] == call.columns[-1]]
    return any(text[i - 1] != "." or text[i - 2] == call.alias for i in outside)


def _reads(text: Sequence[str], alias: str) -> bool:
    return any(text[i : i + 3] == [alias, ".", "reason"] for i in range(len(text) - 2)) if alias else False


def _closing(words: Sequence[str], opening: int) -> int:
    """Where the bracket that opens there closes."""
    depth = 0
    for at in range(opening, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0:
            return at
    return len(words) - 1


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def _wrapper(tree: ast.Module, constant: str) -> ast.Call | None:
    """The call of ``udf`` or ``udtf`` that makes the constant."""
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        named = any(isinstance(t, ast.Name) and t.id == constant for t in node.targets)
        if named and isinstance(node.value.func, ast.Name) and node.value.func.id in _TYPES:
            return node.value
    return None


def _wrapped(tree: ast.Module, wrapper: ast.Call) -> ast.FunctionDef | None:
    name = wrapper.args[0].id if wrapper.args and isinstance(wrapper.args[0], ast.Name) else ""
    return next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name), None)


def _builtins(function: ast.FunctionDef | None) -> tuple[str, ...]:
    """The built-ins that a function is made of, if it is made of nothing else."""
    if function is None:
        return ()
    body = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    nodes = [node for statement in body for node in ast.walk(statement)]
    known = {"re", "math", "np", *(a.arg for a in function.args.args)}
    calls = [_called(n, known) for n in nodes if isinstance(n, ast.Call)]
    if not all(isinstance(n, _PLAIN) for n in nodes) or not all(c in _SQL for c in calls):
        return ()
    case = ("CASE",) if any(isinstance(n, ast.If | ast.IfExp) for n in nodes) else ()
    return (*case, *sorted({_SQL[c] for c in calls})) or ("arithmetic",)


def _called(call: ast.Call, known: Container[str]) -> str:
    """The name of what is called; of a method only where it is one of a known module's, or an argument's."""
    if not isinstance(call.func, ast.Attribute):
        return call.func.id if isinstance(call.func, ast.Name) else ""
    root: ast.expr = call.func
    while isinstance(root, ast.Attribute | ast.Call):
        root = root.value if isinstance(root, ast.Attribute) else root.func
    text = isinstance(root, ast.Constant) or (isinstance(root, ast.Name) and root.id in known)
    return call.func.attr if text else ""
