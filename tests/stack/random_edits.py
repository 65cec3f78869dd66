"""Random edits of queries whose effect on state is known.

What an edit does is known from how it is made, and never from a plan: it is drawn from a list, and what it
claims is tried on records, where each query is a Python function too. One that claims to change what an
operator reads, and changes nothing for any record, is drawn again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.stack.random_queries import FILTERS, KEYS, VALUES, Branch, Input, Query, Term

EQUIVALENT, CHANGED, OTHER = "equivalent", "changed", "other"
"""What an edit does to the state of an operator: nothing; it is of other rows or values; it is laid out in
another way, or another operator."""


@dataclass(frozen=True)
class Edit:
    """An edited query, and what the edit did to the operators of the query before."""

    name: str
    query: Query
    truth: str
    second: str = EQUIVALENT
    """The same of the second operator, where there is one."""


def edits(query: Query, rng: random.Random, count: int) -> Iterator[Edit]:
    """Edits of a query, each of which does what it claims."""
    for _ in range(count):
        yield _edit(query, rng)


def _edit(query: Query, rng: random.Random) -> Edit:
    while True:
        make = rng.choice(MAKERS)
        edit = make(query, rng)
        if edit is not None and edit.query.reads_everywhere() and _does(query, edit):
            return edit


def _does(before: Query, edit: Edit) -> bool:
    """Whether the records show what the edit claims."""
    same = before.seen() == edit.query.seen()
    if edit.truth == EQUIVALENT:
        return same
    if edit.truth == CHANGED:
        return not same
    return edit.name != "other key" or before.laid() != edit.query.laid()


def _everywhere(query: Query, change: Callable[[Branch], Branch]) -> Query:
    inputs = tuple(Input(tuple(map(change, i.branches))) for i in query.inputs)
    return replace(query, inputs=inputs)


def _one(query: Query, rng: random.Random, change: Callable[[Branch], Branch]) -> Query:
    """The query with one of its branches changed."""
    at = rng.randrange(len(query.inputs))
    branches = [*query.inputs[at].branches]
    place = rng.randrange(len(branches))
    branches[place] = change(branches[place])
    inputs = [*query.inputs]
    inputs[at] = Input(tuple(branches))
    return replace(query, inputs=tuple(inputs))


# what changes nothing


def _rewritten(query: Query, rng: random.Random) -> Edit:
    """Every expression in another of its forms."""

    def written(term: Term) -> Term:
        return replace(term, way=term.way + rng.randint(0, 2))

    def change(b: Branch) -> Branch:
        return replace(b, k=written(b.k), x=written(b.x), y=written(b.y), where=tuple(map(written, b.where)))

    return Edit("rewritten", _everywhere(query, change), EQUIVALENT)


def _filters_moved(query: Query, rng: random.Random) -> Edit:
    def change(b: Branch) -> Branch:
        return replace(b, where=tuple(rng.sample(b.where, len(b.where))), nested=not b.nested)

    return Edit("filters moved", _everywhere(query, change), EQUIVALENT)


def _branches_turned(query: Query, rng: random.Random) -> Edit:
    inputs = tuple(Input(tuple(rng.sample(i.branches, len(i.branches)))) for i in query.inputs)
    return Edit("branches turned", replace(query, inputs=inputs), EQUIVALENT)


def _unread(query: Query, rng: random.Random) -> Edit:
    more = rng.choice(["amount", "_partition", "id * 3"])
    return Edit("a column that nobody reads", _everywhere(query, lambda b: replace(b, more=more)), EQUIVALENT)


def _beside(query: Query, rng: random.Random) -> Edit:
    other = "SELECT MOD(id, 9) AS lane, COUNT(*) AS n, MAX(id) AS most FROM events"
    other = f"{other} WHERE {rng.choice(FILTERS)} GROUP BY MOD(id, 9)"
    return Edit("a statement beside it", replace(query, beside=other), EQUIVALENT)


def _above(query: Query, rng: random.Random) -> Edit | None:
    if query.above or (query.summed not in ("", "n") and query.shape.kind != "match"):
        return None  # nobody read the column until now: Flink did not count it
    second = CHANGED if query.summed else EQUIVALENT
    column = "name" if query.shape.kind == "match" else "n"
    above = f"{column} > {rng.randint(1, 5)}"
    if query.shape.kind in ("over-aggregate", "deduplicate", "window-rank", "join", "interval-join"):
        return None  # Flink tests it before the operator, where it can: then it changes what that one reads
    return Edit("a condition on the result", replace(query, above=above), EQUIVALENT, second)


# what changes rows or values


def _other_filter(query: Query, rng: random.Random) -> Edit:
    def change(b: Branch) -> Branch:
        return replace(b, where=(*b.where[1:], rng.choice(FILTERS)))

    return Edit("other filter", _one(query, rng, change), CHANGED, CHANGED)


def _filter_more(query: Query, rng: random.Random) -> Edit:
    def change(b: Branch) -> Branch:
        return replace(b, where=(*b.where, rng.choice(FILTERS)))

    return Edit("one more filter", _one(query, rng, change), CHANGED, CHANGED)


def _other_value(query: Query, rng: random.Random) -> Edit:
    column = rng.choice(["x", "y"])
    changed = _one(query, rng, lambda b: replace(b, **{column: rng.choice(VALUES)}))
    return Edit("other value", changed, CHANGED, CHANGED)


def _columns_swapped(query: Query, _: random.Random) -> Edit:
    """The operator reads x where it read y."""
    return Edit("columns swapped", replace(query, c=query.d, d=query.c), CHANGED, CHANGED)


def _swapped_and_turned(query: Query, rng: random.Random) -> Edit:
    turned = _branches_turned(query, rng).query
    return Edit("columns swapped, branches turned", replace(turned, c=query.d, d=query.c), CHANGED, CHANGED)


def _branch_gone(query: Query, rng: random.Random) -> Edit | None:
    at = rng.randrange(len(query.inputs))
    if len(query.inputs[at].branches) == 1:
        return None
    inputs = [*query.inputs]
    inputs[at] = Input(inputs[at].branches[1:])
    return Edit("a branch went", replace(query, inputs=tuple(inputs)), CHANGED, CHANGED)


def _values_swapped_in_one(query: Query, rng: random.Random) -> Edit:
    changed = _one(query, rng, lambda b: replace(b, x=b.y, y=b.x))
    return Edit("values swapped in one branch", changed, CHANGED, CHANGED)


def _other_sum(query: Query, _: random.Random) -> Edit | None:
    if not query.summed:
        return None
    other = next(
        s for s in (["name", "most"] if query.shape.kind == "match" else ["n", "most"]) if s != query.summed
    )
    return Edit("the other column is summed", replace(query, summed=other), EQUIVALENT, CHANGED)


# what is another operator, or laid out in another way


def _other_key(query: Query, rng: random.Random) -> Edit | None:
    if query.shape.lays != "key":
        return None
    if rng.random() < 0.5:
        return Edit("other key", replace(query, key=rng.choice(["x", "y"])), OTHER, CHANGED)
    changed = _one(query, rng, lambda b: replace(b, k=rng.choice(KEYS)))
    return Edit("other key", changed, OTHER, CHANGED)


def _other_function(query: Query, rng: random.Random) -> Edit | None:
    sql = query.shape.sql
    if query.summed and query.shape.kind != "match":
        return None  # Flink leaves out what nobody reads
    for one, other in (
        ("SUM(", "MAX("),
        ("MAX(", "MIN("),
        ("DESC)", "ASC)"),
        ("3 PRECEDING", "4 PRECEDING"),
        ("'1' HOUR", "'2' HOUR"),
        ("{c} = b.{c}", "{d} = b.{d}"),
        ("PATTERN (A name)", "PATTERN (A name+)"),
        ("name.{d} > A", "name.{d} < A"),
        ("COUNT(*)", "COUNT(DISTINCT {c})"),
    ):
        if one in sql and rng.random() < 0.5:
            changed = replace(query.shape, sql=sql.replace(one, other))
            return Edit("other function", replace(query, shape=changed), OTHER, CHANGED)
    return None


MAKERS: list[Callable[[Query, random.Random], Edit | None]] = [
    _rewritten, _filters_moved, _branches_turned, _unread, _beside, _above,
    _other_filter, _filter_more, _other_value, _columns_swapped, _swapped_and_turned, _branch_gone,
    _values_swapped_in_one, _other_sum, _other_key, _other_function,
]  # fmt: skip
