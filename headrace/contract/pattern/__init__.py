r"""Which patterns a contract may contain: those that Java matches in linear time and bounded stack.

The job matches a pattern against bytes that a stranger wrote: ``(a+){1,1000}b`` takes seconds for 30 of them,
and ``(a|b)*`` over 200 kB ends in a StackOverflowError inside Flink, so in an endless restart loop. And Flink
silently treats a pattern that Java cannot compile as one that never matches. So only the subset that Java,
ECMA-262 and Python share is allowed, its meaning is Java's, and each accepted pattern is proved.

:func:`judge` is for ``pattern`` of a column, :func:`judge_like` for LIKE, :func:`judge_search` for REGEXP and
similar functions in the SQL of a derive job.
"""

from __future__ import annotations

from headrace.contract.pattern._judgement import MAX_DEPTH, judge
from headrace.contract.pattern._like import judge_like
from headrace.contract.pattern._search import judge_search

__all__ = ["MAX_DEPTH", "judge", "judge_like", "judge_search"]
