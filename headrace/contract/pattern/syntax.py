"""The text of a pattern becomes a tree: the part of the language that Java, ECMA-262 and Python share."""

from __future__ import annotations

import re
from typing import NoReturn

from headrace.contract.pattern.characters import DOT, NAMED, Characters, characters, only, others
from headrace.contract.pattern.tree import Choice, Edge, Group, Look, Node, One, Repeat, Sequence
from headrace.contract.typed import Refused

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
        Refused: it is not of this language; the message quotes the place.
    """
    reader = _Reader(text)
    found = reader.choice()
    if reader.at < len(text):
        raise Refused(f"')' at character {reader.at + 1} closes nothing", "write \\) for the character")
    return found


class _Reader:
    """Descends once; ``at`` is the next character."""

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
        found = _QUANTIFIER.match(self.text, self.at)
        if not found:
            if self.text.startswith("{", self.at):
                self._fail(
                    "'{' needs a backslash, or a count as in {2} or {1,3}", "write \\{ for the character"
                )
            return body
        self.at = found.end()
        lazy = self._skip("?")
        if self.at < len(self.text) and self.text[self.at] in "*+?{":
            self._fail("a quantifier follows a quantifier", "write one of them")
        least, most = _counts(found)
        if most is not None and least > most:
            self._fail(f"{found[0]} counts backwards", f"write {{{most},{least}}}")
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
            self._fail(f"{quoted!r} is not a group of all dialects", _without_kind(self.text[start:]))
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
        """An escape that all dialects know; leaves ``at`` after it."""
        char = self.text[self.at + 1 : self.at + 2]
        coded = _CODE.match(self.text, self.at + 1)
        if coded:
            return self._coded(coded)
        self.at += 2
        if char in NAMED and char:
            return NAMED[char]
        if char in _CONTROLS and char:
            return only(_CONTROLS[char])
        if char in ("b", "B"):
            self._fail(
                f"\\{char} asks for letters of all scripts around it: it {_DIALECTS}, and Java looks back"
                " over any number of accents",
                "write what may stand there, as in [^a-z]",
            )
        if not char or not char.isascii() or char.isalnum() or char.isspace():
            self._fail(f"\\{char} {_DIALECTS}", _without_escape(char))
        return only(char)

    def _coded(self, found: re.Match[str]) -> Characters:
        self.at = found.end()
        code = int(found[1] or found[2], 16)
        if code in _HALVES:
            self._fail(f"\\{found[0]} is half a character", "write the character itself")
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
        found = characters(ranges)
        return others(found) if negated else found

    def _member(self, *, first: bool) -> Characters:
        """A character, a range or an escape inside ``[…]``."""
        dash = self.text.startswith("-", self.at)
        if dash and not first and not self.text.startswith("-]", self.at):
            self._fail(
                "'-' inside '[…]' stands between two single characters, or needs a backslash", "write \\-"
            )
        low = self._single()
        if not self.text.startswith("-", self.at) or self.text.startswith("-]", self.at):
            return low
        self.at += 1
        high = self._single() if self.at < len(self.text) else low
        ends = [s.ranges[0] for s in (low, high)]
        if dash or any(a != b for a, b in ends) or len(low.ranges) > 1 or len(high.ranges) > 1:
            self._fail(
                "a range inside '[…]' needs a single character at both ends", "write \\- for the character"
            )
        if ends[0] > ends[1]:
            self._fail("a range inside '[…]' runs backwards", "swap its ends")
        return Characters(((ends[0][0], ends[1][0]),))

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
        """Step over that text, if it comes next."""
        here = self.text.startswith(text, self.at)
        self.at += len(text) if here else 0
        return here

    def _fail(self, what: str, remedy: str) -> NoReturn:
        raise Refused(what, remedy)


def _without_kind(group: str) -> str:
    """What to write for a group that is not taken."""
    if _NAMED.match(group):
        return "write (…): a group needs no name here"
    if group.startswith("(?#"):
        return "leave the comment out"
    if group.startswith("(?>"):
        return "write (?:…) if what is in it can take the text in one way only"
    return "flags are not taken: write out what they do, as in [aA] for (?i)a, or [\\s\\S] for . with (?s)"


def _without_escape(char: str) -> str:
    """What to write for an escape that is not taken."""
    if not char:
        return "write \\\\ for the character"
    if char in "pP":
        return "Unicode's classes are not taken: list the characters, as in [A-Za-z\\u00c0-\\u024f]"
    if char in "AZzG":
        return "leave it out: a pattern matches the whole text"
    if char in "123456789k":
        return "back references are not taken: write out what may stand there"
    return "write the characters that it stands for, or \\uXXXX"


def _counts(quantifier: re.Match[str]) -> tuple[int, int | None]:
    """How often ``*``, ``+``, ``?``, ``{2}``, ``{2,}`` or ``{2,5}`` repeats at least and at most."""
    if quantifier[1] is None:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[quantifier[0]]
    least = int(quantifier[1])
    if quantifier[2] is None:
        return least, least
    return least, int(quantifier[3]) if quantifier[3] else None
