"""Random queries over the contract of the tests, each also a function of records in Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

Record = tuple[int, int, int]
"""Number, amount in cents, offset."""


FLOOR = 9
"""A filtered aggregate sums up where the other column is greater."""


def record(number: int) -> Record:
    """The record of that number, in one of two partitions that take turns."""
    return number, number * 37 % 900 + 1, number // 2


RECORDS = [record(n) for n in range(240)]


@dataclass(frozen=True)
class Term:
    """An expression, in one or several ways to write it, and what it is of a record."""

    sql: tuple[str, ...]
    of: Callable[[Record], int]
    way: int = 0

    def __str__(self) -> str:
        return self.sql[self.way % len(self.sql)]


VALUES = [
    Term(("id",), lambda r: r[0]),
    Term(("id + 1", "1 + id"), lambda r: r[0] + 1),
    Term(("id * 2", "2 * id"), lambda r: r[0] * 2),
    Term(("CAST(MOD(id, 7) AS BIGINT)",), lambda r: r[0] % 7),
    Term(("_offset",), lambda r: r[2]),
    Term(("_offset - id",), lambda r: r[2] - r[0]),
    Term(("id - _offset",), lambda r: r[0] - r[2]),
    Term(
        ("CASE WHEN id > 50 THEN id ELSE _offset END", "CASE WHEN 50 < id THEN id ELSE _offset END"),
        lambda r: r[0] if r[0] > 50 else r[2],
    ),
    Term(("CASE WHEN id > 50 THEN _offset ELSE id END",), lambda r: r[2] if r[0] > 50 else r[0]),
    Term(
        (
            "CASE WHEN amount IS NULL THEN 0 ELSE id END",
            "CASE WHEN amount IS NOT NULL THEN id ELSE 0 END",
        ),
        lambda r: r[0],
    ),
]
KEYS = [
    Term(("CAST(MOD(id, 2) AS BIGINT)",), lambda r: r[0] % 2),
    Term(("CAST(MOD(id, 3) AS BIGINT)",), lambda r: r[0] % 3),
    Term(("CAST(MOD(_offset, 2) AS BIGINT)",), lambda r: r[2] % 2),
    Term(("CAST(MOD(id + 1, 4) AS BIGINT)", "CAST(MOD(1 + id, 4) AS BIGINT)"), lambda r: (r[0] + 1) % 4),
]
FILTERS = [
    Term(("id > 10", "10 < id", "NOT (id <= 10)"), lambda r: r[0] > 10),
    Term(("id >= 10", "10 <= id"), lambda r: r[0] >= 10),
    Term(("id < 200", "200 > id"), lambda r: r[0] < 200),
    Term(("amount > 2", "2 < amount"), lambda r: r[1] > 200),
    Term(("amount >= 3", "3 <= amount"), lambda r: r[1] >= 300),
    Term(("MOD(id, 5) = 1", "1 = MOD(id, 5)"), lambda r: r[0] % 5 == 1),
    Term(("MOD(id, 5) <> 1", "1 <> MOD(id, 5)"), lambda r: r[0] % 5 != 1),
    Term(
        ("id > 150 OR amount > 4", "amount > 4 OR id > 150", "4 < amount OR 150 < id"),
        lambda r: r[0] > 150 or r[1] > 400,
    ),
    Term(("id IN (3, 30, 40, 77)", "id IN (77, 40, 3, 30)"), lambda r: r[0] in (3, 30, 40, 77)),
    Term(("_offset BETWEEN 20 AND 90", "_offset >= 20 AND _offset <= 90"), lambda r: 20 <= r[2] <= 90),
]


@dataclass(frozen=True)
class Branch:
    """One SELECT of the topic: a key and two numbers."""

    k: Term
    x: Term
    y: Term
    where: tuple[Term, ...] = ()
    nested: bool = False
    """Whether the first filter is in a separate subquery."""
    more: str = ""
    """A column that nobody reads."""

    def sql(self) -> str:
        inner, outer = (self.where[:1], self.where[1:]) if self.nested else ((), self.where)
        table = f"(SELECT * FROM events{_where(inner)})" if inner else "events"  # noqa: S608 - ours
        more = f", {self.more} AS unread" if self.more else ""
        columns = f"{self.k} AS k, {self.x} AS x, {self.y} AS y, _event_time AS t{more}"
        return f"SELECT {columns} FROM {table}{_where(outer)}"  # noqa: S608 - ours

    def rows(self, records: Iterable[Record] = RECORDS) -> Iterator[dict[str, int]]:
        for r in records:
            if all(f.of(r) for f in self.where):
                yield {"k": self.k.of(r), "x": self.x.of(r), "y": self.y.of(r), "t": r[0]}


def _where(filters: Iterable[Term]) -> str:
    condition = " AND ".join(f"({f})" for f in filters)
    return f" WHERE {condition}" if condition else ""


@dataclass(frozen=True)
class Input:
    """The rows that an operator reads: one branch, or the UNION ALL of several."""

    branches: tuple[Branch, ...]

    def sql(self) -> str:
        return " UNION ALL ".join(b.sql() for b in self.branches)


@dataclass(frozen=True)
class Shape:
    """A kind of operator: what it makes of its inputs."""

    kind: str
    """As Flink calls it in a plan."""
    sql: str
    """With {0}, {1} for the inputs, {c} and {d} for columns, {key} for the key's column."""
    always: str
    """Columns that its state depends on whatever is made of it, by their places in the SQL."""
    n: str = ""
    """The same for its column n alone."""
    most: str = ""
    inputs: int = 1
    updates: bool = False
    lays: str = "key"
    """Places whose column is part of the layout of its state."""


SHAPES = [
    Shape(
        "group-aggregate",
        "SELECT {key} AS lane, COUNT(*) AS n, SUM({c}) AS most FROM ({0}) GROUP BY {key}",
        "key",
        most="c",
        updates=True,
    ),
    Shape(
        "group-aggregate",
        """SELECT {key} AS lane, COALESCE(SUM({c}) FILTER (WHERE {d} > {floor}), 0) AS n, MIN({d}) AS most
           FROM ({0}) GROUP BY {key}""",
        "key d",
        n="c",
        updates=True,
    ),
    Shape(
        "group-window-aggregate",
        """SELECT {key} AS lane, COUNT(*) AS n, MAX({c}) AS most
           FROM ({0}) GROUP BY TUMBLE(t, INTERVAL '1' HOUR), {key}""",
        "key t",
        most="c",
    ),
    Shape(
        "over-aggregate",
        """SELECT {key} AS lane, {c} AS n, SUM({d}) OVER (
             PARTITION BY {key} ORDER BY t ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS most FROM ({0})""",
        "key t",
        n="c",
        most="d",
    ),
    Shape(
        "deduplicate",
        """SELECT lane, n, most FROM (SELECT {key} AS lane, {c} AS n, {d} AS most,
             ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY t ASC) AS place FROM ({0})) WHERE place = 1""",
        "key t",
        n="c",
        most="d",
    ),
    Shape(
        "window-rank",
        """SELECT lane, n, most FROM (SELECT {key} AS lane, {c} AS n, {d} AS most, ROW_NUMBER() OVER (
             PARTITION BY window_start, window_end, {key} ORDER BY {c} DESC) AS place
           FROM TABLE(TUMBLE((SELECT * FROM ({0})), DESCRIPTOR(t), INTERVAL '1' HOUR))) WHERE place = 1""",
        "key c t",
        most="d",
    ),
    Shape(
        "join",
        """SELECT a.{c} AS lane, a.{d} AS n, b.{d} AS most
           FROM ({0}) AS a JOIN ({1}) AS b ON a.{c} = b.{c}""",
        "c",
        n="d",
        inputs=2,
        lays="c",
    ),
    Shape(
        "interval-join",
        """SELECT a.{c} AS lane, a.{d} AS n, b.{d} AS most FROM ({0}) AS a JOIN ({1}) AS b
           ON a.{c} = b.{c} AND a.t BETWEEN b.t AND b.t + INTERVAL '1' HOUR""",
        "c t",
        n="d",
        inputs=2,
        lays="c",
    ),
    Shape(
        "match",
        """SELECT lane, name, most FROM ({0}) MATCH_RECOGNIZE (
             PARTITION BY {key} ORDER BY t
             MEASURES A.{c} AS lane, name.{d} AS name, name.x + name.y AS most
             ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW
             PATTERN (A name) WITHIN INTERVAL '1' HOUR DEFINE name AS name.{d} > A.{c})""",
        "key c d t",
    ),
]


@dataclass(frozen=True)
class Query:
    """An operator over its inputs, and what stands above and beside it."""

    shape: Shape
    inputs: tuple[Input, ...]
    key: str = "k"
    c: str = "x"
    d: str = "y"
    above: str = ""
    """A condition on what the operator makes."""
    summed: str = ""
    """A column of the result that is summed up again, by lane: a second operator with state."""
    beside: str = ""
    """Another statement of the job."""

    def sql(self) -> str:
        """The query, with the columns lane, n and most."""
        names = {"key": self.key, "c": self.c, "d": self.d}
        sql = self.shape.sql.format(*(i.sql() for i in self.inputs), floor=FLOOR, **names)
        if self.above:
            sql = f"SELECT * FROM ({sql}) WHERE {self.above}"  # noqa: S608 - ours
        if self.summed:
            made = f"lane, COUNT(*) AS n, SUM({self.summed}) AS most"
            sql = f"SELECT {made} FROM ({sql}) GROUP BY lane"  # noqa: S608 - ours
        return sql

    def seen(self) -> list[list[tuple[int, ...]]]:
        """What its first operator reads, input by input: rows of the columns that count, in their roles."""
        shape = self.shape
        places = (
            f"{shape.always} {getattr(shape, self.summed, '') if self.summed else f'{shape.n} {shape.most}'}"
        )
        read = [self._sorted(self.columns(places.split()))]
        if shape.kind == "deduplicate":  # it holds both columns, and which one is which is decided later
            read.append(self._sorted(replace(self, c=self.d, d=self.c).columns(places.split())))
        return min(read)

    def _sorted(self, columns: list[str]) -> list[list[tuple[int, ...]]]:
        return [sorted(rows) for rows in self.read(columns)]

    def read(self, columns: list[str], records: Iterable[Record] = RECORDS) -> list[list[tuple[int, ...]]]:
        """Some columns of the rows that its first operator reads, input by input."""
        records = list(records)
        return [
            [tuple(row[c] for c in columns) for b in i.branches for row in b.rows(records)]
            for i in self.inputs
        ]

    def reads_everywhere(self) -> bool:
        """Whether each branch reads a record: Flink leaves out those that cannot, and may refuse the rest."""
        return all(any(b.rows()) for i in self.inputs for b in i.branches)

    def laid(self) -> list[tuple[int, ...]]:
        """The columns that its state is laid out by, branch by branch."""
        (column,) = self.columns([self.shape.lays])
        return [
            tuple(row[column] for row in replace(b, where=()).rows()) for i in self.inputs for b in i.branches
        ]

    def columns(self, places: Iterable[str]) -> list[str]:
        """The columns at some places of the shape."""
        return [{"key": self.key, "c": self.c, "d": self.d}.get(p, p) for p in places]


def drawn(rng: random.Random) -> Query:
    """Any query whose branches all read something."""
    while not (query := _any(rng)).reads_everywhere():
        pass
    return query


def _any(rng: random.Random) -> Query:
    shape = rng.choice(SHAPES)
    query = Query(shape, tuple(_input(rng) for _ in range(shape.inputs)))
    if rng.random() < 0.5:
        query = replace(query, c="y", d="x")
    stackable = shape.kind in ("over-aggregate", "match", "group-window-aggregate")
    return replace(query, summed=_summed(shape, rng)) if stackable and rng.random() < 0.5 else query


def _summed(shape: Shape, rng: random.Random) -> str:
    # Of an OVER only what it makes: where nobody reads that, Flink leaves the operator out.
    columns = {"match": ["name", "most"], "over-aggregate": ["most"]}
    return rng.choice(columns.get(shape.kind, ["n", "most"]))


def _input(rng: random.Random) -> Input:
    key, x, y = rng.choice(KEYS), *rng.sample(VALUES, 2)
    first = Branch(key, x, y, tuple(rng.sample(FILTERS, rng.randint(0, 2))))
    if rng.random() < 0.4:
        return Input((first,))
    turned = replace(first, x=y, y=x, where=tuple(rng.sample(FILTERS, rng.randint(0, 2))))
    x, y = rng.sample(VALUES, 2)
    third = Branch(rng.choice(KEYS), x, y, tuple(rng.sample(FILTERS, 1)))
    return Input((first, turned, third) if rng.random() < 0.4 else (first, turned))
