"""Rules: what is allowed comes out as quoted SQL, and everything else is refused with a reason."""

from __future__ import annotations

import pytest

from headrace.contract.column_type import BIGINT, BOOLEAN, DATE, DOUBLE, INT, MICROS, STRING, DecimalType
from headrace.contract.expression import render
from headrace.contract.typed import RefusalError

COLUMNS = {
    "s": STRING,
    "i": INT,
    "n": BIGINT,
    "d": DecimalType(7, 2),
    "x": DOUBLE,
    "b": BOOLEAN,
    "day": DATE,
    "t": MICROS,
}
MIDNIGHT = "CAST(TIMESTAMP '2013-01-01 00:00:00.500000' AS TIMESTAMP_LTZ(6))"
N19 = "CAST(`n` AS DECIMAL(19, 0))"


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("n > 0", "(`n` > 0)"),
        ('"n" != -5', "(`n` <> -5)"),
        ("n + 1 > n", f"(({N19} + CAST(1 AS DECIMAL(1, 0))) > `n`)"),
        ("i * d <= 2.50", "((CAST(`i` AS DECIMAL(10, 0)) * `d`) <= 2.50)"),
        ("n * n > 0", f"(({N19} * {N19}) > 0)"),
        ("-i > 1", "((- CAST(`i` AS DECIMAL(10, 0))) > 1)"),
        ("ABS(i) > 1", "(ABS(CAST(`i` AS DECIMAL(10, 0))) > 1)"),
        ("x - 1 > 1e3", "((`x` - CAST(1 AS DECIMAL(1, 0))) > 1000.0E0)"),
        ("s = 'O''Hare\\'", "(`s` = 'O''Hare\\')"),
        ("s LIKE 'a%' OR s NOT LIKE 'b_'", "((`s` LIKE 'a%') OR (`s` NOT LIKE 'b_'))"),
        ("s IN ('a', 'b') AND n NOT IN (1)", "((`s` IN ('a', 'b')) AND (NOT (`n` IN (1))))"),
        ("n BETWEEN 1 AND i", "(`n` BETWEEN 1 AND `i`)"),
        ("s IS NULL = (n IS NOT NULL)", "((`s` IS NULL) = (NOT (`n` IS NULL)))"),
        ("b OR b AND NOT b", "(`b` OR (`b` AND (NOT `b`)))"),
        ("(b OR b) AND b", "((`b` OR `b`) AND `b`)"),
        ("b IS TRUE", "(`b` IS TRUE)"),
        ("n IS DISTINCT FROM 5", "(`n` IS DISTINCT FROM 5)"),
        ("CASE WHEN b THEN n ELSE 0.5 END > 1", "(CASE WHEN `b` THEN `n` ELSE 0.5 END > 1)"),
        ("COALESCE(i, n, 0) > 1", "(COALESCE(`i`, `n`, 0) > 1)"),
        ("LENGTH(UPPER(TRIM(LOWER(s)))) > 2", "(CHAR_LENGTH(UPPER(TRIM(LOWER(`s`)))) > 2)"),
        ("day + INTERVAL '2' DAY > DATE '2013-02-28'", "((`day` + INTERVAL '2' DAY) > DATE '2013-02-28')"),
        (
            "t - INTERVAL '90' MINUTE < TIMESTAMP '2013-01-01 00:00:00.5'",
            f"((`t` - INTERVAL '0 01:30:00.000' DAY TO SECOND(3)) < {MIDNIGHT})",
        ),
    ],
)
def test_rendered(text: str, sql: str) -> None:
    assert render(text, COLUMNS) == sql


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(
            (f"{f} > t", "is not deterministic")
            for f in ("NOW()", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "PROCTIME()")
        ),
        *((f"{f} > n", "is not deterministic") for f in ("RAND()", "UNIX_TIMESTAMP()", "rand_integer(5)")),
        ("UUID() = s", "UUID is not deterministic"),
        ("CURRENT_DATE > day", "CURRENT_DATE is not deterministic"),
        ("n IN (SELECT 1)", "a subquery is not allowed: a rule sees one row"),
        ("n = (SELECT 1)", "a subquery is not allowed"),
        ("EXISTS (SELECT 1)", "a subquery is not allowed"),
        ("SUM(n) > 1", "SUM needs more than one row"),
        ("COUNT(*) > 1", "COUNT needs more than one row"),
        ("ROW_NUMBER() OVER () > 1", "a window needs more than one row"),
        ("foo(n) > 1", "the function FOO is not allowed"),
        ("IF(b, 1, 2) = 1", "the function IF is not allowed"),
        ("n / 2 > 1", "Div is not allowed"),
        ("n % 2 = 1", "Mod is not allowed"),
        ("s || 'a' = 'b'", "DPipe is not allowed"),
        ("CAST(n AS STRING) = 'a'", "CAST is not allowed"),
        ("n::text = 'a'", "CAST is not allowed"),
        ("n > 0 -- all of them", "comments are not allowed"),
        ("n > 0 /* all */", "comments are not allowed"),
        ("n > 0; DROP TABLE t", "a semicolon is not allowed"),
        ("n > 0;", "a semicolon is not allowed"),
        ("DROP TABLE t", "Drop is not allowed"),
        ("s LIKE 'a' ESCAPE 'b'", "Escape is not allowed"),
        ("s LIKE s", "LIKE takes a string in quotes"),
        ("n BETWEEN SYMMETRIC 1 AND 2", "(n BETWEEN 1 AND 2 OR n BETWEEN 2 AND 1) uses an option"),
        ("TRIM(BOTH 'x' FROM s) = 'a'", "TRIM(s, 'x') uses an option"),
        ("CASE n WHEN 1 THEN b END", "CASE with a value is not allowed"),
        ("o.n > 0", "o.n is not a column"),
        ("m > 0", "m is not a column of this contract"),
        ("N > 0", "N is not a column of this contract"),
        ("_kafka_time > t", "_kafka_time is not a column of this contract"),
        ("n IN ()", "IN has no values"),
        ("n = NULL", "NULL is not allowed here"),
        ("n IN (1, NULL)", "NULL is not allowed here"),
        ("s = 5", "s (string) is compared with 5 (integer)"),
        ("'5' < n", "'5' (string) is compared with n (integer)"),
        ("n BETWEEN '1' AND 2", "n (integer) is compared with '1' (string)"),
        ("s IN ('a', 1)", "s (string) is compared with 1 (integer)"),
        ("day > t", "day (date) is compared with t (timestamp)"),
        ("day > '2013-01-01'", "day (date) is compared with '2013-01-01' (string)"),
        ("b = 1", "b (boolean) is compared with 1 (integer)"),
        ("b > FALSE", "> between conditions is not allowed"),
        ("COALESCE(s, 1) = 'a'", "COALESCE mixes s (string) and 1 (integer)"),
        ("s + 1 > 2", "+ needs a number, not s (string)"),
        ("NOT n", "NOT needs a boolean, not n (integer)"),
        ("b AND n", "AND needs a boolean, not n (integer)"),
        ("UPPER(n) = 'A'", "UPPER needs a string, not n (integer)"),
        ("n * n * n > 0", "n * n * n may need over 38 digits"),
        ("n * n * 0.5 > 0", "n * n * 0.5 may need over 38 digits"),
        ("n > 9223372036854775808", "9223372036854775808 is greater than a 64-bit integer"),
        ("day + INTERVAL '2' HOUR > day", "a date moves by whole days only"),
        ("t + INTERVAL '100' DAY > t", "INTERVAL '100' DAY is over 99 days"),
        ("t + INTERVAL '1' MONTH > t", "INTERVAL '1' MONTH is not an interval"),
        ("day = DATE '2013-02-30'", "'2013-02-30' is not a date"),
        ("t = TIMESTAMP '2013-02-28'", "'2013-02-28' is not a timestamp"),
        ("n", "the rule is not a condition: its type is integer"),
        ("1 = 1", "the rule names no column"),
        ("", "the rule is empty"),
        ("n >", "the rule is not SQL: syntax error near '>'"),
        ("'", "the rule is not SQL: syntax error"),
        ("n > " + "0" * 2000, "the rule has over 2000 characters"),
        ("NOT " * 400 + "b", "the rule is nested too deeply"),
    ],
)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(RefusalError) as caught:
        render(text, COLUMNS)
    assert why in caught.value.what
    assert caught.value.remedy


def test_text_stays_small_however_it_is_nested() -> None:
    # BETWEEN written as two comparisons would double its first part at each level.
    text = "n"
    for _ in range(25):
        text = f"CASE WHEN {text} BETWEEN 1 AND 2 THEN n END"
    assert len(render(f"{text} > 0", COLUMNS)) < 3 * len(text)
