"""Errors of Flink's REST endpoint, made readable."""

import pytest

from headrace.cluster.rest import SHOWN, ask, last_cause, root_cause
from headrace.errors import ClusterError

BY_PY4J = """Traceback (most recent call last):
py4j.protocol.Py4JJavaError: An error occurred while calling o8.executeSql.
: org.apache.flink.table.api.TableException: it doesn't support consuming delete changes
\tat org.apache.flink.X.y(X.java:1)
\tat java.base/java.lang.Thread.run(Thread.java:840)
"""
NOBODY = "http://127.0.0.1:1"


def test_the_innermost_cause_is_shown_on_one_line() -> None:
    trace = (
        "java.util.concurrent.CompletionException: outer\n\tat a.B.c(B.java:1)\n"
        "Caused by: java.io.IOException: middle\n\tat d.E.f(E.java:2)\n\t... 3 more\n"
        "Caused by: java.lang.IllegalStateException: inner\n\tat g.H.i(H.java:3)\n"
    )
    assert root_cause(trace) == "java.lang.IllegalStateException: inner"


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("", ""),
        ("\n \n", ""),
        ("org.x.Bad: why\n\tat a.b(C.java:1)", "org.x.Bad: why"),
        ("just words", "just words"),
    ],
)
def test_a_trace_without_causes(trace: str, expected: str) -> None:
    assert root_cause(trace) == expected


def test_a_long_cause_is_cut() -> None:
    cut = root_cause("x.Y: " + "long " * 1000)

    assert len(cut) == SHOWN
    assert cut.endswith(" …")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", ""),
        (
            "Starting\norg.x.Bad: why\n\tat a.b(C.java:1)\nCaused by: org.y.Worse: inner\n\t... 3 more\n",
            "org.y.Worse: inner",
        ),
        (
            BY_PY4J,
            "org.apache.flink.table.api.TableException: it doesn't support consuming delete changes",
        ),
        (
            "Traceback (most recent call last):\n  File x\nModuleNotFoundError: No module named 'y'",
            "ModuleNotFoundError: No module named 'y'",
        ),
    ],
)
def test_the_last_words_of_a_program_are_no_frame_of_a_trace(output: str, expected: str) -> None:
    assert last_cause(output) == expected


def test_silence_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ClusterError, match="Flink does not answer: the connection is refused") as refused:
        ask(NOBODY, "/overview")

    assert refused.value.where == NOBODY
    assert "stack status" in refused.value.remedy
