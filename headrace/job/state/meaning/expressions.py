"""Expressions in a normal form: what Flink evaluates to the same value for every row has one digest.

Only rewritings that hold for NULL and for every type are made here. A form that is missing costs a question
at the next edit; one that is wrong hands state to another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.job.state.meaning.plan import Node, digest

REFERENCES = {"INPUT_REF", "PATTERN_INPUT_REF"}
KINDS = {"CALL", "LITERAL", "FIELD_ACCESS", "CORREL_VARIABLE", *REFERENCES}
"""How Flink marks an expression in a plan's JSON."""

_MIRRORED = {"$>$1": "$<$1", "$>=$1": "$<=$1"}
_SYMMETRIC = {"$=$1", "$<>$1", "$+$1", "$*$1", "$AND$1", "$OR$1"}
_NESTED = {"$AND$1", "$OR$1"}
_COMPARISONS = {"$=$1", "$<>$1", "$<$1", "$<=$1", "$SEARCH$1", *_MIRRORED}
_CASTS = {"$CAST$1", "$TRY_CAST$1"}
_INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_NOT_VALUE = {"syntax", "called"}
"""How it is written, and what the job calls a Python function."""


def expression_digest(expression: Node, columns: Sequence[str], *, exact_types: bool = False) -> str:
    """The digest of an expression: the same in one projection as in two, one upon the other.

    Args:
        expression: as in a plan's JSON.
        columns: the digest of each column that it may refer to.
        exact_types: whether NULL being allowed counts. It does for the bytes of state, not for a value.
    """
    expression = expression if exact_types and _is_cast(expression) else _same_value(expression)
    if expression.get("kind") in REFERENCES:
        return _reference_digest(expression, columns)

    def normal(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("kind") in KINDS:
                return expression_digest(value, columns, exact_types=exact_types)
            return {k: normal(v) for k, v in value.items()}
        return [normal(v) for v in value] if isinstance(value, list) else value

    normalised = {k: normal(v) for k, v in expression.items() if k not in _NOT_VALUE}
    if not exact_types and isinstance(normalised.get("type"), str):
        normalised["type"] = _nullable(normalised["type"])
    if expression.get("internalName") in _SYMMETRIC:
        normalised["operands"] = sorted(normalised["operands"])
    return digest(normalised)


def _reference_digest(reference: Node, columns: Sequence[str]) -> str:
    at = reference["inputIndex"]
    if reference["kind"] == "INPUT_REF" and at < len(columns):
        return columns[at]
    return digest({**reference, "inputIndex": columns[at] if at < len(columns) else at})


def conjuncts(condition: Node | None) -> list[Node]:
    """What a condition demands, one by one."""
    if condition is None:
        return []
    if condition.get("internalName") == "$AND$1":
        return [c for operand in condition["operands"] for c in conjuncts(operand)]
    return [condition]


def _same_value(expression: Node) -> Node:
    """The form that stands for all others of the same value."""
    name, operands = expression.get("internalName"), expression.get("operands", [])
    if _is_cast(expression) and _changes_nothing(expression):
        return _same_value(operands[0])
    if name in _COMPARISONS:
        expression = {**expression, "operands": [_plain_integer(o) for o in operands]}
    if name in _MIRRORED:
        swapped = list(reversed(expression["operands"]))
        return {**expression, "internalName": _MIRRORED[name], "operands": swapped}
    if name in _NESTED:
        return {**expression, "operands": _flat(expression, str(name))}
    if name in ("$IF$1", "$CASE$1"):
        return _case(expression, operands)
    if name == "$COALESCE$1" and len(operands) == 2:  # noqa: PLR2004 - of more, CASE would be nested
        known = {"kind": "CALL", "internalName": "$IS NOT NULL$1", "type": "BOOLEAN NOT NULL"}
        return _case(expression, [{**known, "operands": operands[:1]}, *operands])
    return expression


def _is_cast(expression: Node) -> bool:
    return expression.get("internalName") in _CASTS and len(expression["operands"]) == 1


def _case(expression: Node, operands: list[Node]) -> Node:
    """A CASE; one that asks for NULL, asked for its opposite."""
    asked = operands[0]
    if len(operands) == 3 and asked.get("internalName") == "$IS NULL$1":  # noqa: PLR2004 - one WHEN
        opposite = {**asked, "internalName": "$IS NOT NULL$1"}
        operands = [opposite, operands[2], operands[1]]
    return {**expression, "internalName": "$CASE$1", "operands": operands}


def _flat(expression: Node, name: str) -> list[Node]:
    return [
        inner
        for operand in expression["operands"]
        for inner in (_flat(operand, name) if operand.get("internalName") == name else [operand])
    ]


def _changes_nothing(cast: Node) -> bool:
    """Whether a CAST leaves its value and its type as they are, but for NULL being allowed."""
    own, given = cast.get("type"), cast["operands"][0].get("type")
    return isinstance(own, str) and isinstance(given, str) and _nullable(own) == _nullable(given)


def _plain_integer(operand: Node) -> Node:
    """A whole number that something is compared with is the same number in each integer type."""
    if operand.get("kind") == "LITERAL" and _nullable(str(operand.get("type"))) in _INTEGERS:
        return {**operand, "type": "an integer"}
    return operand


def _nullable(kind: str) -> str:
    return kind.removesuffix(" NOT NULL")


_LONGEST = 1000


def expression_text(expression: Node, names: Sequence[str], *, bare: bool = False) -> str:
    """The expression as a person would write it, near enough; at most 1,000 characters.

    With ``bare``, a comparison has no brackets around it.
    """
    text = _text(expression, names)
    if expression.get("syntax") == "BINARY" and text.startswith("(") and bare:
        text = text[1:-1]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(expression: Node, names: Sequence[str]) -> str:
    kind = expression.get("kind")
    if kind in REFERENCES:
        at = expression["inputIndex"]
        name = names[at] if at < len(names) else f"#{at}"
        return f"{expression['alpha']}.{name}" if "alpha" in expression else name
    if kind == "LITERAL":
        return _literal(expression)
    if kind == "FIELD_ACCESS":
        return f"{expression_text(expression['expr'], names)}.{expression['name']}"
    return _call(expression, [expression_text(o, names) for o in expression.get("operands", [])])


def _literal(expression: Node) -> str:
    if "sarg" in expression:
        return _ranges(expression["sarg"])
    value, kind = expression.get("value"), str(expression.get("type"))
    if value is None:
        return "NULL"
    if "INTERVAL" in kind and "YEAR" not in kind and "MONTH" not in kind:
        return f"{value} ms"
    return f"'{value}'" if "CHAR" in kind else str(value)


def _ranges(sarg: Mapping[str, Any]) -> str:
    """``Sarg`` is how Flink's planner writes IN, BETWEEN and several comparisons with one column."""
    ranges = []
    for found in sarg["ranges"]:
        low, high = found.get("lower"), found.get("upper")
        if low and high and low["value"] == high["value"]:
            ranges.append(str(low["value"]))
            continue
        left = f"{'[' if low['boundType'] == 'CLOSED' else '('}{low['value']}" if low else "(…"
        right = f"{high['value']}{']' if high['boundType'] == 'CLOSED' else ')'}" if high else "…)"
        ranges.append(f"{left}, {right}")
    return f"({', '.join(ranges)})"


def function_name(call: Node) -> str:
    """``$MAX$1`` → ``MAX``; of a Python function what the job calls it."""
    name = str(call.get("internalName") or call.get("called") or call.get("catalogName"))
    return name.strip("$").removesuffix("$1")


def _call(expression: Node, operands: list[str]) -> str:
    name = function_name(expression)
    if name == "CAST":
        kind = expression["type"]
        return f"CAST({operands[0]} AS {kind if isinstance(kind, str) else kind.get('type')})"
    if name == "CASE":
        whens = zip(operands[::2], operands[1::2], strict=False)
        branches = " ".join(f"WHEN {when} THEN {then}" for when, then in whens)
        return f"CASE {branches} ELSE {operands[-1]} END"
    if name == "SEARCH":
        return f"{operands[0]} IN {operands[1]}"
    if expression.get("syntax") == "BINARY" and len(operands) > 1:
        return f"({f' {name} '.join(operands)})"
    return (
        f"{operands[0]} {name}" if expression.get("syntax") == "POSTFIX" else f"{name}({', '.join(operands)})"
    )
