"""YAML read so that nothing is guessed: each trap of the format is an error with its line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from headrace.contract.document import MAX_BYTES, parse
from headrace.errors import ContractError


def test_plain_values_and_their_lines() -> None:
    read = parse(b"a: 1\nb:\n  - x\n  - c: 2.50\n    d: 'NO'\ne:\nf: {g: true, h: ~}\n", "f.yaml")
    assert read.data == {
        "a": 1,
        "b": ["x", {"c": Decimal("2.50"), "d": "NO"}],
        "e": None,
        "f": {"g": True, "h": None},
    }
    assert str(read.data["b"][1]["c"]) == "2.50"
    places = {("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "d"): 5, ("e",): 6, ("f", "g"): 7}
    assert {path: read.line(path) for path in places} == places


def test_what_is_missing_is_blamed_on_what_is_around_it() -> None:
    read = parse(b"a: 1\nb:\n  c: 2\n", "f.yaml")
    assert read.line(("b", "nothing", 3)) == 2
    assert read.line(("nothing",)) == 1


REFUSED = {
    "alias": (b"a: 1\nb: &x [1]\nc: *x\n", 2, "anchors and aliases are not allowed"),
    "merge": (b"a: 1\n<<: {b: 2}\nc: *y\n", 3, "anchors and aliases are not allowed"),
    "key twice": (b"a: 1\nb: 2\na: 3\n", 3, "the key 'a' appears twice, first in line 1"),
    "nested key twice": (b"a:\n  b: 1\n  b: 2\n", 3, "the key 'b' appears twice, first in line 2"),
    "tag": (b"a: 1\nb: !!python/object/apply:os.system ['x']\n", 2, "the tag tag:yaml.org,2002:python/obj"),
    "local tag": (b"a: !secret x\n", 1, "the tag !secret is not allowed"),
    "Norway": (b"a: 1\nb: NO\n", 2, "NO is read as a string by some YAML readers"),
    "on": (b"b: on\n", 1, "on is read as a string by some"),
    "a day": (b"b: 2013-01-01\n", 1, "2013-01-01 is read as a string by some"),
    "octal": (b"b: 017\n", 1, "017 is read as a string by some"),
    "hexadecimal": (b"b: 0x1F\n", 1, "0x1F is read as a string by some"),
    "sexagesimal": (b"b: 12:30\n", 1, "12:30 is read as a string by some"),
    "underscore": (b"b: 1_000\n", 1, "1_000 is read as a string by some"),
    "exponent": (b"b: 1e3\n", 1, "1e3 is read as a string by some"),
    "infinity": (b"b: .inf\n", 1, ".inf is read as a string by some"),
    "not a number": (b"b: .NaN\n", 1, ".NaN is read as a string by some"),
    "second document": (b"a: 1\n---\nb: 2\n", 2, "a second document begins"),
    "list": (b"- a\n", 1, "a contract is one mapping of keys"),
    "nothing": (b"", 1, "a contract is one mapping of keys"),
    "syntax": (b"a: 1\nb: [1\nc: 2\n", 3, "not YAML: did not find expected ',' or ']'"),
    "tab": (b"a:\n\tb: 1\n", 2, "not YAML: found character that cannot start any token"),
    "key is a list": (b"a: 1\n? [b]\n: 2\n", 2, "a key is a mapping or a list"),
    "not UTF-8": (b"a: 1\nb: \xff\n", 2, "the file is not UTF-8"),
    "control character": (b"a: \x00\n", 1, "not YAML: "),
    "too deep": (b"a: " + b"[" * 30 + b"]" * 30, 1, "nested deeper than 24 levels"),
    "very deep": (b"a: " + b"[" * 100_000, 1, "nested deeper than 24 levels"),
    "too large": (b"a: '" + b"x" * MAX_BYTES + b"'", 1, "the file has 262,149 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_traps_of_yaml_are_errors(case: str) -> None:
    raw, line, sentence = REFUSED[case]
    with pytest.raises(ContractError) as caught:
        parse(raw, "f.yaml")
    assert caught.value.where == f"f.yaml:{line}"
    assert caught.value.what.startswith(sentence)
    assert caught.value.remedy


def test_the_billion_laughs_stop_at_the_first_anchor() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    with pytest.raises(ContractError, match="anchors and aliases") as caught:
        parse(bomb.encode(), "f.yaml")
    assert caught.value.where == "f.yaml:1"
