"""What the nodes of a compiled plan mean: pure, from the plan's JSON.

Flink finds state by node id and operator type, and never asks what the state is of. So the ids are ours to
keep: two nodes mean the same if what reaches them from the sources, and what they do with it, is the same,
however the statements are ordered and whatever else the plan holds.

Each node has two digests. Its **layout** is what the bytes of its state depend on: the operator, its keys
and what these are made of, the types of what it keeps. Its **meaning** is all of that and the arguments,
filters and everything else that decides which rows it has seen and what it makes of them. Where the layouts
are alike, state can be kept; where the meanings are, it should be.

Columns are followed to their origin: `origin` of a projection over a filter over a topic is that topic's
column, so a column that is added or moved changes nothing for those who do not read it.

``plan`` reads the JSON, ``expressions`` brings expressions to a normal form, ``rows`` follows columns from
the sources on, ``operators`` says what an operator's state depends on, ``reader`` puts them together.
"""

from headrace.job.state.meaning.operators import KNOWN, Named
from headrace.job.state.meaning.plan import ADDED, FUNCTIONS, PROMISES, SOURCES
from headrace.job.state.meaning.reader import Meaning, meanings
from headrace.job.state.meaning.rows import COLUMNS
from headrace.ledger.records.plan import Plan

__all__ = [
    "ADDED",
    "COLUMNS",
    "FUNCTIONS",
    "KNOWN",
    "PROMISES",
    "SOURCES",
    "Meaning",
    "Named",
    "Plan",
    "meanings",
]
