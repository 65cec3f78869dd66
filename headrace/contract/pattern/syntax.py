"""Parses a pattern into a tree: the subset of the language that Java, ECMA-262 and Python share."""

from __future__ import annotations

import re
from typing import NoReturn

from headrace.contract.pattern.characters import DOT, NAMED, Characters, characters, only, others
from headrace.contract.pattern.tree import Choice, Edge, Group, Look, Node, One, Repeat, Sequence
from headrace.contract.typed import RefusalError

MAX_NESTING = 50
_HALVES = range(0xD800, 0xE000)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_QUANTIFIER = re.compile(r"[*+?]|\{([0-9]{1,4})(,([0-9]{0,4}))?\}")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_NAMED = re.compile(r"\(\?P?<[A-Za-z]|\(\?P<")
_GROUP = re.compile(r"\((\?(?::|<?[=!]))?")
_DIALECTS = "does not mean the same in all dialects"


def read(text: str) -> Node:
    """The pattern as a tree.

    Raises:
        RefusalError: it is not in this language; the message quotes the place.
    """
    reader = _PatternParser(text)
    tree = reader.choice()
    if reader.at < len(text):
        raise RefusalError(f"')' at character {reader.at + 1} closes nothing", "write \\) for the character")
    return tree


class _PatternParser:
    """A recursive-descent parser; ``at`` is the next character."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.nesting = text, 0, 0

    def choice(self) -> Node:
        start, branches = self.at, [self._sequence()]
        while self._skip("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches), self.text[start : self.at])

    def _sequence(self) -> Node:
        start, parts = self.at, []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._quantified())
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts), self.text[start : self.at])

    def _quantified(self) -> Node:
        start, body = self.at, self._part()
        quantifier = _QUANTIFIER.match(self.text, self.at)
        if not quantifier:
            if self.text.startswith("{", self.at):
                self._fail(
                    "'{' needs a backslash, or a count as in {2} or {1,3}", "write \\{ for the character"
                )
            return body
        self.at = quantifier.end()
        lazy = self._skip("?")
        if self.at < len(self.text) and self.text[self.at] in "*+?{":
            self._fail("a quantifier follows a quantifier", "write one of them")
        least, most = _counts(quantifier)
        if most is not None and least > most:
            self._fail(f"{quantifier[0]} counts backwards", f"write {{{most},{least}}}")
        return Repeat(body, least, most, lazy, self.text[start : self.at])

    def _part(self) -> Node:
        start, char = self.at, self.text[self.at]
        if char == "(":
            return self._group()
        if char in "^$":
            self.at += 1
            return Edge(char)
        return One(self._character(), self.text[start : self.at])

    def _character(self) -> Characters:
        char = self.text[self.at]
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._class()
        if char in "*+?{":
            self._fail(f"{char!r} repeats nothing", f"write \\{char} for the character")
        self.at += 1
        return DOT if char == "." else only(char)

    def _group(self) -> Node:
        start, opened = self.at, _GROUP.match(self.text, self.at)
        if opened is None or self.text.startswith("?", opened.end()):
            quoted = self.text[start : start + 4]
            self._fail(f"{quoted!r} is not a group in all dialects", _without_kind(self.text[start:]))
        self.at, self.nesting = opened.end(), self.nesting + 1
        if self.nesting > MAX_NESTING:
            self._fail(f"groups are nested deeper than {MAX_NESTING}", "write it flatter")
        body = self.choice()
        if not self._skip(")"):
            self._fail(f"the '(' at character {start + 1} is not closed", "write \\( for the character")
        self.nesting -= 1
        kind = Group if opened[1] in (None, "?:") else Look
        return kind(body, self.text[start : self.at])

    def _escape(self) -> Characters:
        """Read an escape that all dialects know; ``at`` is then after it."""
        char = self.text[self.at + 1 : self.at + 2]
        coded = _CODE.match(self.text, self.at + 1)
        if coded:
            return self._coded(coded)
        self.at += 2
        if char in NAMED and char:
            return NAMED[char]
        if char in _CONTROLS and char:
            return only(_CONTROLS[char])
        self._refuse_escape(char)
        return only(char)

    def _refuse_escape(self, char: str) -> None:
        """Refuse an escape that is not just the character itself."""
        if char in ("b", "B"):
            self._fail(
                f"\\{char} depends on letters of all scripts around it: it {_DIALECTS}, and Java looks back"
                " over any number of accents",
                "write the characters that may be there, as in [^a-z]",
            )
        if not char or not char.isascii() or char.isalnum() or char.isspace():
            self._fail(f"\\{char} {_DIALECTS}", _without_escape(char))

    def _coded(self, escape: re.Match[str]) -> Characters:
        self.at = escape.end()
        code = int(escape[1] or escape[2], 16)
        if code in _HALVES:
            self._fail(f"\\{escape[0]} is half a character", "write the character itself")
        return only(chr(code))

    def _class(self) -> Characters:
        start = self.at
        self.at += 1
        negated = self._skip("^")
        if self.text.startswith("]", self.at):
            self._fail("']' right after '[' needs a backslash", "write \\] for the character")
        ranges = [*self._member(first=True).ranges]
        while not self._skip("]"):
            if self.at >= len(self.text):
                self._fail(f"the '[' at character {start + 1} is not closed", "write \\[ for the character")
            ranges += self._member(first=False).ranges
        members = characters(ranges)
        return others(members) if negated else members

    def _member(self, *, first: bool) -> Characters:
        """Read a character, a range or an escape inside ``[…]``."""
        dash = self.text.startswith("-", self.at)
        if not first and self._range_follows():
            self._fail(
                "'-' inside '[…]' must be between two single characters, or needs a backslash", "write \\-"
            )
        low = self._single()
        if not self._range_follows():
            return low
        self.at += 1
        high = self._single() if self.at < len(self.text) else low
        if dash or not (low.is_single and high.is_single):
            self._fail(
                "a range inside '[…]' needs a single character at both ends", "write \\- for the character"
            )
        begin, end = low.ranges[0][0], high.ranges[0][0]
        if begin > end:
            self._fail("a range inside '[…]' runs backwards", "swap its ends")
        return Characters(((begin, end),))

    def _range_follows(self) -> bool:
        """Whether the next character is a dash that does not end the class."""
        return self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at)

    def _single(self) -> Characters:
        if self.text.startswith("\\", self.at):
            return self._escape()
        if self.text.startswith("[", self.at):
            self._fail("'[' inside '[…]' opens a class within the class in Java", "write \\[")
        if self.text.startswith("&&", self.at):
            self._fail("'&&' inside '[…]' intersects classes in Java", "write \\&\\&")
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return only(char)

    def _skip(self, text: str) -> bool:
        """Skip this text if it comes next, and return whether it did."""
        here = self.text.startswith(text, self.at)
        self.at += len(text) if here else 0
        return here

    def _fail(self, what: str, remedy: str) -> NoReturn:
        raise RefusalError(what, remedy)


def _without_kind(group: str) -> str:
    """What to write instead of a group that is not supported."""
    if _NAMED.match(group):
        return "write (…): a group needs no name here"
    if group.startswith("(?#"):
        return "leave the comment out"
    if group.startswith("(?>"):
        return "write (?:…) if its content can match the text in one way only"
    return (
        "flags are not supported: write out what they do, as in [aA] for (?i)a, or [\\s\\S] for . with (?s)"
    )


def _without_escape(char: str) -> str:
    """What to write instead of an escape that is not supported."""
    if not char:
        return "write \\\\ for the character"
    if char in "pP":
        return "Unicode classes are not supported: list the characters, as in [A-Za-z\\u00c0-\\u024f]"
    if char in "AZzG":
        return "leave it out: a pattern matches the whole text"
    if char in "123456789k":
        return "back references are not supported: write out the text that may be there"
    return "write the characters that it means, or \\uXXXX"


def _counts(quantifier: re.Match[str]) -> tuple[int, int | None]:
    """How often ``*``, ``+``, ``?``, ``{2}``, ``{2,}`` or ``{2,5}`` repeats at least and at most."""
    if quantifier[1] is None:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[quantifier[0]]
    least = int(quantifier[1])
    if quantifier[2] is None:
        return least, least
    return least, int(quantifier[3]) if quantifier[3] else None
