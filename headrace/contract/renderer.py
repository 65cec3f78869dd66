"""Renders the tree of a rule as Flink SQL: one handler for each allowed kind of node, else a refusal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from sqlglot import exp

from headrace.contract.column_type import ColumnType
from headrace.contract.pattern import judge_like
from headrace.contract.sql import MAX_INTERVAL, literal
from headrace.contract.typed import (
    ALLOWED,
    INTEGER_DIGITS,
    RefusalError,
    Typed,
    ValueKind,
    calculated,
    check_number,
    common,
    comparable,
    exact,
    typed_column,
    wide,
)

_NUMBER = re.compile(r"\d*\.?\d+(?:[eE][+-]?\d+)?")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?Z?")
_UNITS = {"DAY": "days", "HOUR": "hours", "MINUTE": "minutes", "SECOND": "seconds"}
_NOT_REPEATABLE = frozenset(
    {
        "NOW",
        "CURRENT_TIMESTAMP",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "CURRENT_DATETIME",
        "LOCALTIME",
        "LOCALTIMESTAMP",
        "TODAY",
        "PROCTIME",
        "RAND",
        "RANDOM",
        "RANDN",
        "RAND_INTEGER",
        "UUID",
        "GENERATE_UUID",
        "UNIX_TIMESTAMP",
        "CURRENT_ROW_TIMESTAMP",
        "CURRENT_WATERMARK",
    }
)


def render_tree(tree: exp.Expression, columns: Mapping[str, ColumnType]) -> Typed:
    """The tree of a rule as Flink SQL, with its type.

    Raises:
        RefusalError: one of its nodes is not allowed.
    """
    return _Renderer(columns).render(tree)


class _Renderer:
    """Renders a tree from its root. ``_HANDLERS`` is the allowlist; nothing else is rendered."""

    def __init__(self, columns: Mapping[str, ColumnType]) -> None:
        self.columns = columns

    def render(self, node: Any) -> Typed:
        known = _HANDLERS.get(type(node))
        if known is None:
            raise _refusal(node)
        handler, arguments = known
        # The parser adds options to known nodes (SYMMETRIC, ESCAPE, FILTER …): unexpected ones are refused.
        for key, value in node.args.items():
            if key not in arguments and value not in (None, False, []):
                raise RefusalError(f"{node.sql()} uses an option that is not allowed")
        return handler(self, node)

    def column(self, node: exp.Column) -> Typed:
        name = node.name
        if node.args.get("table"):
            raise RefusalError(f"{node.sql()} is not a column", "write only its name: a rule sees one row")
        if name not in self.columns:
            raise RefusalError(
                f"{name} is not a column of this contract", f"its columns: {', '.join(self.columns)}"
            )
        return typed_column(name, self.columns[name])

    def literal(self, node: exp.Literal) -> Typed:
        text = str(node.this)
        if node.is_string:
            return Typed(literal(text), "string")
        if not _NUMBER.fullmatch(text):
            raise RefusalError(f"{text} is not a number", "write 5, 0.5 or 5e3")
        if "e" in text.lower():
            return Typed(literal(float(text)), "double")
        value = Decimal(text)
        if value == value.to_integral_value() and "." not in text:
            if value >= 2**63:
                raise RefusalError(
                    f"{text} is greater than a 64-bit integer", "no integer column can hold it"
                )
            return Typed(str(int(value)), "integer", len(str(int(value))))
        scale = -int(value.as_tuple().exponent)
        digits = max(len(value.as_tuple().digits), scale + 1)
        return exact(f"{value:f}", digits, scale, name=text)

    def boolean(self, node: exp.Boolean) -> Typed:
        return Typed(literal(bool(node.this)), "boolean")

    def moment(self, node: exp.Cast) -> Typed:
        """``DATE '…'`` and ``TIMESTAMP '…'``, which the parser turns into casts of a string."""
        source, target = node.this, node.to.this
        if not (isinstance(source, exp.Literal) and source.is_string) or target not in _MOMENTS:
            raise RefusalError(
                "CAST is not allowed", "compare values of one type; literals: DATE '2013-12-31'"
            )
        try:
            value = _MOMENTS[target](str(source.this))
        except ValueError:
            remedy = "write DATE '2013-12-31' or TIMESTAMP '2013-12-31 23:59:59' (UTC)"
            raise RefusalError(f"'{source.this}' is not a {target.value.lower()}", remedy) from None
        return Typed(literal(value), "timestamp" if isinstance(value, datetime) else "date")

    def interval(self, node: exp.Interval) -> Typed:
        count, unit = str(node.this.this) if node.this else "", str(node.unit or "").upper().removesuffix("S")
        if not isinstance(node.this, exp.Literal) or not count.isdecimal() or unit not in _UNITS:
            raise RefusalError(
                f"{node.sql()} is not an interval", "write INTERVAL '3' DAY, HOUR, MINUTE or SECOND"
            )
        value = timedelta(**{_UNITS[unit]: int(count)}) if len(count) < len("100000000") else timedelta.max
        if value > MAX_INTERVAL:
            raise RefusalError(f"{node.sql()} is over 99 days", "that is the longest interval in Flink")
        return Typed(literal(value), "interval", digits=0 if value == timedelta(value.days) else 1)

    def paren(self, node: exp.Paren) -> Typed:
        return self.render(node.this)

    def negative(self, node: exp.Neg) -> Typed:
        number = self._numeric(node.this, "-")
        if isinstance(node.this, exp.Literal):
            return replace(number, sql=f"-{number.sql}")
        return replace(wide(number), sql=f"(- {wide(number).sql})", name="")

    def logic(self, node: exp.And | exp.Or) -> Typed:
        word = "AND" if isinstance(node, exp.And) else "OR"
        sides = [self._of(side, "boolean", word).sql for side in (node.this, node.expression)]
        return _boolean(f" {word} ".join(sides))

    def negation(self, node: exp.Not) -> Typed:
        return _boolean(f"NOT {self._of(node.this, 'boolean', 'NOT').sql}")

    def compare(self, node: exp.Binary) -> Typed:
        left, right = self.render(node.this), self.render(node.expression)
        comparable(left, right)
        sign = _SIGNS[type(node)]
        if left.kind == "boolean" and sign not in _EQUALITY:
            raise RefusalError(f"{sign} between conditions is not allowed", "use = or <>")
        return _boolean(f"{left.sql} {sign} {right.sql}")

    def between(self, node: exp.Between) -> Typed:
        value, low, high = (self.render(node.args[k]) for k in ("this", "low", "high"))
        for other in (low, high):
            comparable(value, other)
        if value.kind == "boolean":
            raise RefusalError("BETWEEN conditions is not allowed", "use = or <>")
        return _boolean(f"{value.sql} BETWEEN {low.sql} AND {high.sql}")

    def membership(self, node: exp.In) -> Typed:
        if node.args.get("query"):
            raise RefusalError("a subquery is not allowed: a rule sees one row", "list the values")
        value, others = self.render(node.this), [self.render(e) for e in node.expressions]
        if not others:
            raise RefusalError("IN has no values", "list the values, as in origin IN ('EWR', 'JFK')")
        for other in others:
            comparable(value, other)
        return _boolean(f"{value.sql} IN ({', '.join(o.sql for o in others)})")

    def like(self, node: exp.Like) -> Typed:
        value = self._of(node.this, "string", "LIKE")
        if not (isinstance(node.expression, exp.Literal) and node.expression.is_string):
            raise RefusalError("LIKE takes a string in quotes", "write column LIKE 'AB%'")
        text = str(node.expression.this)
        judge_like(text)
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        return _boolean(f"{value.sql} {word} {literal(text)}")

    def state(self, node: exp.Is) -> Typed:
        value, wanted = self.render(node.this), node.expression
        if isinstance(wanted, exp.Null):
            return _boolean(f"{value.sql} IS NULL")
        if isinstance(wanted, exp.Boolean) and value.kind == "boolean":
            return _boolean(f"{value.sql} IS {literal(bool(wanted.this))}")
        raise RefusalError(f"{node.sql()} is not allowed", "write IS NULL, IS NOT NULL, IS TRUE or IS FALSE")

    def arithmetic(self, node: exp.Binary) -> Typed:
        left, right = self.render(node.this), self.render(node.expression)
        sign = _ARITHMETIC[type(node)]
        if right.kind == "interval" and left.kind in ("date", "timestamp") and sign != "*":
            if left.kind == "date" and right.digits:
                raise RefusalError("a date moves by whole days only", "write INTERVAL '1' DAY")
            return Typed(f"({left.sql} {sign} {right.sql})", left.kind)
        for side in (left, right):
            check_number(side, sign)
        return calculated(sign, wide(left), wide(right))

    def choice(self, node: exp.Case) -> Typed:
        if node.this:
            raise RefusalError("CASE with a value is not allowed", "write CASE WHEN condition THEN … END")
        arms = [(self._of(i.this, "boolean", "WHEN"), self.render(i.args["true"])) for i in node.args["ifs"]]
        default = node.args.get("default")
        otherwise = self.render(default) if default else None
        kind = common([then for _, then in arms] + ([otherwise] if otherwise else []), "CASE")
        whens = " ".join(f"WHEN {when.sql} THEN {then.sql}" for when, then in arms)
        end = f" ELSE {otherwise.sql}" if otherwise else ""
        return replace(kind, sql=f"CASE {whens}{end} END", name="CASE")

    def coalesce(self, node: exp.Coalesce) -> Typed:
        values = [self.render(v) for v in (node.this, *node.expressions)]
        sql = f"COALESCE({', '.join(v.sql for v in values)})"
        return replace(common(values, "COALESCE"), sql=sql, name="COALESCE")

    def absolute(self, node: exp.Abs) -> Typed:
        number = wide(self._numeric(node.this, "ABS"))
        return replace(number, sql=f"ABS({number.sql})", name="ABS")

    def length(self, node: exp.Length) -> Typed:
        return Typed(
            f"CHAR_LENGTH({self._of(node.this, 'string', 'CHAR_LENGTH').sql})", "integer", INTEGER_DIGITS[32]
        )

    def text(self, node: exp.Func) -> Typed:
        name = node.sql_name()
        return Typed(f"{name}({self._of(node.this, 'string', name).sql})", "string")

    def _of(self, node: Any, kind: ValueKind, user: str) -> Typed:
        value = self.render(node)
        if value.kind != kind:
            raise RefusalError(
                f"{user} needs a {kind}, not {value}",
                "compare it with something" if kind == "boolean" else ALLOWED,
            )
        return value

    def _numeric(self, node: Any, user: str) -> Typed:
        value = self.render(node)
        check_number(value, user)
        return value


def _refusal(node: Any) -> RefusalError:
    name = str(node.this) if isinstance(node, exp.Anonymous) else ""
    if isinstance(node, exp.Func):
        name = (name or node.sql_name()).upper()
    if name in _NOT_REPEATABLE:
        return RefusalError(
            f"{name} is not deterministic: a second run would judge the same record differently",
            "compare with another column; maxFuture bounds the event time by the Kafka timestamp",
        )
    if isinstance(node, (exp.Query, exp.Subquery, exp.Exists, exp.Any, exp.All)):
        return RefusalError("a subquery is not allowed: a rule sees one row", "list the values with IN (…)")
    if isinstance(node, (exp.AggFunc, exp.Window)):
        return RefusalError(f"{name or 'a window'} needs more than one row, and a rule sees one")
    if isinstance(node, exp.Null):
        return RefusalError("NULL is not allowed here: the result would always be unknown", "write IS NULL")
    if isinstance(node, exp.Func):
        return RefusalError(f"the function {name} is not allowed")
    return RefusalError(f"{type(node).__name__} is not allowed in {node.sql()!r}")


def _boolean(sql: str) -> Typed:
    # Always in parentheses, so that the tree decides the grouping, not Flink's operator precedence.
    return Typed(f"({sql})", "boolean")


def _timestamp(text: str) -> datetime:
    match = _MOMENT.fullmatch(text)
    if not match:
        raise ValueError(text)
    return datetime.fromisoformat(f"{match[1]}T{match[2]}.{(match[3] or '').ljust(6, '0')}").replace(
        tzinfo=timezone.utc
    )


def _date(text: str) -> date:
    if len(text) != len("2013-12-31"):
        raise ValueError(text)
    return date.fromisoformat(text)


_MOMENTS: dict[Any, Callable[[str], date]] = {
    exp.DataType.Type.DATE: _date,
    exp.DataType.Type.TIMESTAMP: _timestamp,
}
_SIGNS: dict[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
_EQUALITY = ("=", "<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")
_ARITHMETIC: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_TWO = frozenset({"this", "expression"})
_ONE = frozenset({"this"})
_HANDLERS: dict[type, tuple[Callable[[_Renderer, Any], Typed], frozenset[str]]] = {
    exp.Column: (_Renderer.column, frozenset({"this", "table"})),
    exp.Literal: (_Renderer.literal, frozenset({"this", "is_string"})),
    exp.Boolean: (_Renderer.boolean, _ONE),
    exp.Cast: (_Renderer.moment, frozenset({"this", "to"})),
    exp.Interval: (_Renderer.interval, frozenset({"this", "unit"})),
    exp.Paren: (_Renderer.paren, _ONE),
    exp.Neg: (_Renderer.negative, _ONE),
    exp.And: (_Renderer.logic, _TWO),
    exp.Or: (_Renderer.logic, _TWO),
    exp.Not: (_Renderer.negation, _ONE),
    exp.Between: (_Renderer.between, frozenset({"this", "low", "high"})),
    exp.In: (_Renderer.membership, frozenset({"this", "expressions", "query"})),
    exp.Like: (_Renderer.like, frozenset({"this", "expression", "negate"})),
    exp.Is: (_Renderer.state, _TWO),
    exp.Case: (_Renderer.choice, frozenset({"this", "ifs", "default"})),
    exp.Coalesce: (_Renderer.coalesce, frozenset({"this", "expressions"})),
    exp.Abs: (_Renderer.absolute, _ONE),
    exp.Length: (_Renderer.length, _ONE),
    exp.Upper: (_Renderer.text, _ONE),
    exp.Lower: (_Renderer.text, _ONE),
    exp.Trim: (_Renderer.text, _ONE),
    **dict.fromkeys(_SIGNS, (_Renderer.compare, _TWO)),
    **dict.fromkeys(_ARITHMETIC, (_Renderer.arithmetic, _TWO)),
}
