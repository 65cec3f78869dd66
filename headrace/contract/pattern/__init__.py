r"""Which patterns a contract may hold: those that Java reads in linear time, whatever the text, on its stack.

The job meets a pattern with bytes that a stranger wrote: ``(a+){1,1000}b`` takes seconds for 30 of them, and
``(a|b)*`` over 200 kB ends in a StackOverflowError inside Flink, so in a restart for ever. And Flink takes a
pattern that Java cannot compile for one that never matches, without a word. So the language is ours (the part
that Java, ECMA-262 and Python share), the meaning is Java's, and each pattern that is accepted is proved.

:func:`judge` is for ``pattern`` of a column, :func:`judge_like` for LIKE, :func:`judge_search` for REGEXP and
its kin in the SQL of a derive job.
"""

from __future__ import annotations

from headrace.contract.pattern._judgement import MAX_DEPTH, judge
from headrace.contract.pattern._like import judge_like
from headrace.contract.pattern._search import judge_search

__all__ = ["MAX_DEPTH", "judge", "judge_like", "judge_search"]
