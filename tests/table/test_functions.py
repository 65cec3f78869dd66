"""Python functions of a derive job, as their files tell of them: nothing here is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import JobError
from headrace.table.functions import read_function, unread
from headrace.table.steps import SqlStep

WHERE = "jobs/j.py:1"
GOOD = '''
from pyflink.table.udf import udf
def clean(text: str) -> str:
    """Cleaner."""
    for mark in "-_":
        text = text.replace(mark, "")
    return text
cleaned = udf(clean, input_types=[TEXT], result_type=TEXT)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "udfs").mkdir()
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    return tmp_path


def written(folder: Path, text: str) -> None:
    (folder / "udfs" / "texts.py").write_text(text)


def test_a_function_is_read_from_its_file(folder: Path) -> None:
    written(folder, GOOD)
    function = read_function("cleaned", "udfs.texts.cleaned", WHERE)
    assert (function.kind, function.builtins) == ("scalar", ())
    written(folder, GOOD + "\n")
    assert read_function("cleaned", "udfs.texts.cleaned", WHERE).digest != function.digest
    written(folder, GOOD.replace("result_type=TEXT", 'result_type=TEXT, func_type="pandas"'))
    assert read_function("cleaned", "udfs.texts.cleaned", WHERE).kind == "pandas"
    written(folder, GOOD.replace("= udf(", "= udtf(").replace("result_type=TEXT", "result_types=[TEXT]"))
    assert read_function("cleaned", "udfs.texts.cleaned", WHERE).kind == "table"


def test_a_name_that_sql_would_not_take(folder: Path) -> None:
    written(folder, GOOD)
    for name in ("Cleaned", "my fn", ""):
        with pytest.raises(JobError, match="is not a valid function name"):
            read_function(name, "udfs.texts.cleaned", WHERE)


def test_another_file_is_part_of_it(folder: Path) -> None:
    written(folder, GOOD)
    before = read_function("cleaned", "udfs.texts.cleaned", WHERE)
    (folder / "udfs" / "marks.csv").write_text("-,_")
    assert read_function("cleaned", "udfs.texts.cleaned", WHERE).digest != before.digest


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("texts.cleaned", GOOD, "is not the address"),
        ("udfs.other.cleaned", GOOD, "no file"),
        ("udfs.texts.clean", GOOD, "clean is not defined in the file as a plain clean = udf"),
        ("udfs.texts.cleaned", GOOD.replace("= udf(", "= udaf("), "cleaned is not defined in the file"),
        ("udfs.texts.cleaned", GOOD + "import headrace.errors\n", "may not import headrace.errors"),
        ("udfs.texts.cleaned", GOOD.replace(", result_type=TEXT", ""), "does not declare its types"),
        ("udfs.texts.cleaned", "def :", "not Python"),
    ],
)
def test_what_is_refused(folder: Path, path: str, text: str, said: str) -> None:
    written(folder, text)
    with pytest.raises(JobError, match=said):
        read_function("cleaned", path, WHERE)


@pytest.mark.parametrize(
    ("body", "builtins"),
    [
        ("return text.strip().upper()", ("TRIM", "UPPER")),
        ("return 'late' if len(text) > 15 else 'on time'", ("CASE", "CHAR_LENGTH")),
        ("    if text == 'a':\n        return 1\n    return 2".strip(), ("CASE",)),
        ("return re.sub('a', 'b', text)", ("REGEXP_REPLACE",)),
        ("return text + 'x'", ("arithmetic",)),
        ("return PLACES[text]", ()),
        ("return PLACES.replace(text)", ()),
        ("return hashlib.sha256(text)", ()),
        ("return [t for t in text]", ()),
        ("raise ValueError", ()),
    ],
)
def test_what_sql_does_itself(folder: Path, body: str, builtins: tuple[str, ...]) -> None:
    written(
        folder,
        f"def clean(text: str) -> str:\n    {body}\nc = udf(clean, input_types=[TEXT], result_type=TEXT)",
    )
    assert read_function("c", "udfs.texts.c", WHERE).builtins == builtins


@pytest.mark.parametrize(
    ("kind", "sql", "said"),
    [
        ("scalar", "SELECT c(x) AS y FROM t; SELECT y.answer, y.reason FROM s", None),
        ("scalar", "SELECT c(f(x), (1 + 2)) AS y FROM t; SELECT y.reason FROM s", None),
        ("scalar", "SELECT c(x) AS y FROM t; SELECT y.answer FROM s", "reason of c is read nowhere"),
        ("scalar", "SELECT c(x) AS y, c(x) AS z FROM t; SELECT y.reason FROM s", "reason of c"),
        ("scalar", "SELECT c(x).answer FROM t", "reason of c"),
        ("scalar", "SELECT c FROM t", "no step calls function c"),
        ("scalar", "SELECT C(x) AS y FROM t; SELECT y.reason FROM s", None),
        ("scalar", "SELECT c(x) AS y, c(z) AS y FROM t; SELECT y.reason FROM s", "reason of c"),
        ("table", "SELECT a, why FROM t LEFT JOIN LATERAL TABLE(c(x)) AS u(a, why) ON TRUE", None),
        ("table", "SELECT a, u.why FROM t LEFT JOIN LATERAL TABLE(c(x)) AS u(a, why) ON TRUE", None),
        ("table", "SELECT a FROM t LEFT JOIN LATERAL TABLE(c(x)) AS u(a, why) ON TRUE", "reason of c"),
        (
            "table",
            "SELECT a FROM t, LATERAL TABLE(c(x)) AS u(a, why); SELECT s.why, why FROM s",
            "reason of c",
        ),
        ("table", "SELECT a, s.why FROM s, LATERAL TABLE(c(x)) AS u(a, why)", "reason of c"),
        ("table", "SELECT a FROM t, LATERAL TABLE(c(x)) AS u(a)", "reason of c"),
        ("table", "SELECT * FROM t, LATERAL TABLE(c(x))", "reason of c"),
    ],
)
def test_a_reason_is_read(folder: Path, kind: str, sql: str, said: str | None) -> None:
    wrapper, types = ("udtf", "result_types") if kind == "table" else ("udf", "result_type")
    written(folder, f"c = {wrapper}(f, input_types=[T], {types}=[T])")
    function = read_function("c", "udfs.texts.c", WHERE)
    steps = [SqlStep(str(n), text) for n, text in enumerate(sql.split(";"))]
    messages = [str(e) for e in unread([function], steps, "j", WHERE)]
    assert bool(messages) == bool(said)
    assert all(said in f for f in messages if said)
    assert all("sql/j/0.sql:1" in f for f in messages if "reason" in f), "where the call is"
