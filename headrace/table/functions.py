"""The Python functions of a derive job: constants in ``udfs/``, parsed and never imported here.

A function's module does not import headrace, so that it can be tested and used without it: a pure function,
and a constant of the same module that wraps it for Flink with its types. In SQL, a call returns an answer
*or* a reason: ``f(x).answer`` and ``f(x).reason``; a table function has the reason in its last column.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlglot

from headrace import project
from headrace.errors import JobError
from headrace.table.steps import SqlStep

FunctionKind = Literal["scalar", "pandas", "table"]

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
"""Python's names and the equivalents in Flink's SQL."""
_PLAIN = (
    *(ast.Return, ast.If, ast.IfExp, ast.Assign, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Call),
    *(ast.Name, ast.Constant, ast.Attribute, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
    ast.expr_context,
)
"""Syntax with an equivalent in SQL: conditions, arithmetic, calls."""


@dataclass(frozen=True)
class Function:
    """A name in SQL, and the constant that it refers to."""

    name: str
    path: str
    kind: FunctionKind
    digest: str
    """SHA-256 of everything that is shipped, which is ``udfs/``: an edited function is another program."""
    columns: int
    """The number of columns of a table function, its reason included; 0 if the file does not state it
    literally."""
    builtins: tuple[str, ...]
    """The built-ins of Flink's SQL that would do the same, if the function does nothing else; else empty."""


def read_function(name: str, path: str, where: str) -> Function:
    """The function as its file declares it.

    Raises:
        JobError: there is no such constant, it is not wrapped with its types, or it imports headrace.
    """
    module, constant = _address(name, path, where)
    place = f"udfs/{module}.py"
    tree = _parse(name, project.root() / "udfs" / f"{module}.py", place)
    _refuse_impure(tree, place)
    wrapper = _wrapper(tree, constant)
    if wrapper is None:
        raise JobError(
            f"{constant} is not defined in the file as a plain {constant} = udf(…), or udtf(…)",
            where=place,
            remedy=f"write {WRAPPED}; write aggregates in SQL",
        )
    given = {k.arg: k.value for k in wrapper.keywords}
    how = _wrapper_name(wrapper)
    if not {*_TYPES[how]} <= given.keys():
        remedy = f"write {WRAPPED}"
        raise JobError(
            f"{constant} does not declare its types", where=f"{place}:{wrapper.lineno}", remedy=remedy
        )
    kind = _kind(how, given.get("func_type"))
    builtins = _builtins(_wrapped(tree, wrapper)) if kind != "table" else ()
    types = given.get("result_types")
    columns = len(types.elts) + 1 if isinstance(types, ast.List | ast.Tuple) else 0
    return Function(name, path, kind, _shipped(), columns, builtins)


def _address(name: str, path: str, where: str) -> tuple[str, str]:
    """The module and the constant of a function."""
    if not project.NAME.fullmatch(name):
        remedy = "use lower-case letters, digits and underscores; SQL ignores case"
        raise JobError(f"{name!r} is not a valid function name", where=where, remedy=remedy)
    match = _PATH.fullmatch(path)
    if not match:
        remedy = f'write functions={{"{name}": "udfs.module.constant"}}'
        raise JobError(f"{path!r} is not the address of a function", where=where, remedy=remedy)
    return match[1], match[2]


def _parse(name: str, file: Path, place: str) -> ast.Module:
    if not file.is_file():
        raise JobError(f"function {name} has no file", where=place, remedy=f"write {WRAPPED}")
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as e:
        begin = getattr(e, "lineno", None) or 1
        what = f"not Python: {getattr(e, 'msg', e)}"
        raise JobError(what, where=f"{place}:{begin}", remedy="correct it") from e


def _kind(wrapper: str, func_type: ast.expr | None) -> FunctionKind:
    if wrapper == "udtf":
        return "table"
    vectorized = isinstance(func_type, ast.Constant) and func_type.value == "pandas"
    return "pandas" if vectorized else "scalar"


def _shipped() -> str:
    """The digest of ``udfs/``, with all that one module imports from another, or reads."""
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


def unread(
    functions: Sequence[Function], steps: Sequence[SqlStep], job: str, where: str
) -> Iterator[JobError]:
    """Errors for functions that no step calls, and for calls whose reason no step reads."""
    tokens = {step.name: sqlglot.tokenize(step.sql, dialect="spark") for step in steps}
    words = {name: [t.text for t in of_step] for name, of_step in tokens.items()}
    calls = [c for f in functions for name, text in words.items() for c in _calls(name, text, f)]
    yield from _uncalled(functions, calls, where)
    for call in _with_unread_reason(calls, words):
        name = call.function.name
        remedy = f"name each call, in a step of its own: {name}(…) AS x, and select x.reason too"
        if call.function.kind == "table":
            remedy = "name all columns, AS t(…, reason), and select the last one in the same step"
        yield JobError(
            f"the reason of {name} is read nowhere: a failed call would silently be NULL",
            where=f"sql/{job}/{call.step}.sql:{tokens[call.step][call.at].line}",
            remedy=remedy,
        )


def _with_unread_reason(calls: Sequence[_Call], words: Mapping[str, Sequence[str]]) -> Iterator[_Call]:
    aliases = [c.alias for c in calls if c.function.kind != "table"]
    for call in calls:
        if call.function.kind == "table":
            is_read = _selects_reason(call, words[call.step])
        else:
            is_read = aliases.count(call.alias) == 1 and _is_read(call.alias, words.values())
        if not is_read:
            yield call


def _uncalled(functions: Sequence[Function], calls: Sequence[_Call], where: str) -> Iterator[JobError]:
    for function in functions:
        if not any(c.function == function for c in calls):
            remedy = f"call {function.name}(…) in a step, or remove it from functions"
            yield JobError(f"no step calls function {function.name}", where=where, remedy=remedy)


@dataclass(frozen=True)
class _Call:
    """Where a function is called, and the name of its answer."""

    function: Function
    step: str
    at: int
    """The index of its name among the words of the step."""
    alias: str
    columns: tuple[str, ...]
    end: int
    """The index of its last word."""


def _calls(step: str, text: Sequence[str], function: Function) -> Iterator[_Call]:
    for at, word in enumerate(text):
        if word.lower() == function.name and text[at + 1 : at + 2] == ["("]:
            yield _call(step, text, function, at)


def _call(step: str, text: Sequence[str], function: Function, at: int) -> _Call:
    """The call whose function's name is the word at that index."""
    end = _closing(text, at + 1) + (1 if function.kind == "table" else 0)  # LATERAL TABLE(f(…))
    named = "".join(text[end + 1 : end + 2]).upper() == "AS"
    alias = text[end + 2] if named else ""
    columns: tuple[str, ...] = ()
    if named and text[end + 3 : end + 4] == ["("]:
        last = _closing(text, end + 3)
        columns, end = tuple(w for w in text[end + 4 : last] if w != ","), last
    return _Call(function, step, at, alias, columns, end)


def _selects_reason(call: _Call, text: Sequence[str]) -> bool:
    """Whether all columns of a table function are named, and the step selects the last one."""
    if not call.columns or call.function.columns not in (0, len(call.columns)):
        return False
    outside = [i for i in range(len(text)) if not call.at <= i <= call.end and text[i] == call.columns[-1]]
    return any(text[i - 1] != "." or text[i - 2] == call.alias for i in outside)


def _is_read(alias: str, steps: Iterable[Sequence[str]]) -> bool:
    """Whether a step reads the reason of the call with that alias."""
    wanted = [alias, ".", "reason"]
    return bool(alias) and any(
        text[i : i + 3] == wanted for text in map(list, steps) for i in range(len(text) - 2)
    )


def _closing(words: Sequence[str], opening: int) -> int:
    """The index of the bracket that closes the one at ``opening``."""
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
        if named and _wrapper_name(node.value) in _TYPES:
            return node.value
    return None


def _wrapper_name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _wrapped(tree: ast.Module, wrapper: ast.Call) -> ast.FunctionDef | None:
    name = wrapper.args[0].id if wrapper.args and isinstance(wrapper.args[0], ast.Name) else ""
    return next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name), None)


def _builtins(function: ast.FunctionDef | None) -> tuple[str, ...]:
    """The built-ins of SQL that a function consists of, if it consists of nothing else."""
    if function is None:
        return ()
    nodes = _nodes(function)
    calls = _calls_in(nodes, {"re", "math", "np", *(a.arg for a in function.args.args)})
    if not all(isinstance(n, _PLAIN) for n in nodes) or not calls <= _SQL.keys():
        return ()
    case = ("CASE",) if any(isinstance(n, ast.If | ast.IfExp) for n in nodes) else ()
    return (*case, *sorted({_SQL[c] for c in calls})) or ("arithmetic",)


def _calls_in(nodes: Sequence[ast.AST], known: Container[str]) -> set[str]:
    return {_called(n, known) for n in nodes if isinstance(n, ast.Call)}


def _nodes(function: ast.FunctionDef) -> list[ast.AST]:
    """All nodes of its body, without the docstring."""
    body = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return [node for statement in body for node in ast.walk(statement)]


def _called(call: ast.Call, known: Container[str]) -> str:
    """The called function's name; a method's only if it belongs to a known module or to an argument."""
    if not isinstance(call.func, ast.Attribute):
        return call.func.id if isinstance(call.func, ast.Name) else ""
    root: ast.expr = call.func
    while isinstance(root, ast.Attribute | ast.Call):
        root = root.value if isinstance(root, ast.Attribute) else root.func
    text = isinstance(root, ast.Constant) or (isinstance(root, ast.Name) and root.id in known)
    return call.func.attr if text else ""
