r"""Regular expressions that mean the same to Java (which runs them), ECMA-262 (which ODCS names) and Python.

Only the common part is taken. What Java cannot run safely is refused, since a job meets it with bytes that
a stranger wrote: ``(a|b)*`` over 200 kB ends in a StackOverflowError inside Flink, so in a restart for
ever. And Flink takes a pattern that Java cannot compile for one that never matches, without a word.
"""

from __future__ import annotations

import re

MAX_REPEATS = 1000
"""How often groups may be repeated, products of nested ones included: Java recurses once a repetition."""
UNBOUNDED = 1_000_000

_ESCAPES = frozenset("dDwWsSbBtnrf")
_COUNT = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")
_CODE = re.compile(r"x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}")
_GROUP = re.compile(r"\(\?(?::|=|!|<=|<!)")


def fault(pattern: str) -> str | None:
    """What is wrong with a pattern, or None."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as e:
        return f"it is not a regular expression: {e}"
    return _Scan(pattern).fault()


class _Scan:
    """One pass over the text, keeping the groups that are open."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.repeats = [0]
        """How deep Java may recurse, for each open group; the first is the whole pattern."""

    def fault(self) -> str | None:
        while self.at < len(self.text):
            found = self._step()
            if found:
                return found
        return None

    def _step(self) -> str | None:
        char = self.text[self.at]
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._class()
        if char == "(":
            return self._open()
        self.at += 1
        return self._close() if char == ")" else self._quantifier()[0]

    def _close(self) -> str | None:
        inside = self.repeats.pop()
        found, most = self._quantifier()
        self.repeats[-1] += max(inside, 1) * most if most > 1 else inside
        if not found and self.repeats[-1] > MAX_REPEATS:
            return (
                f"groups may be repeated over {MAX_REPEATS} times: write a smaller count, as in (…){{0,20}}"
            )
        return found

    def _open(self) -> str | None:
        if self.text.startswith("(?", self.at):
            match = _GROUP.match(self.text, self.at)
            if not match:
                return (
                    f"{self.text[self.at : self.at + 4]!r} is not a group of all dialects; write (?:…) or (…)"
                )
            self.at = match.end()
        else:
            self.at += 1
        self.repeats.append(0)
        return None

    def _escape(self) -> str | None:
        """An escape that all dialects know; leaves ``at`` behind it and its quantifier."""
        found = self._skip_escape()
        return found or self._quantifier()[0]

    def _skip_escape(self) -> str | None:
        char = self.text[self.at + 1]
        coded = _CODE.match(self.text, self.at + 1)
        if coded:
            self.at = coded.end()
            return None
        if char.isalnum() and char not in _ESCAPES:
            return f"\\{char} does not mean the same in all dialects"
        self.at += 2
        return None

    def _class(self) -> str | None:
        self.at += 1
        if self.text.startswith("^", self.at):
            self.at += 1
        if self.text.startswith("]", self.at):
            return "']' right after '[' needs a backslash"
        while self.text[self.at] != "]":
            if self.text[self.at] == "[":
                return "'[' inside '[…]' opens a class within the class in Java: write \\["
            if self.text.startswith("&&", self.at):
                return "'&&' inside '[…]' intersects classes in Java: write \\&\\&"
            if self.text[self.at] == "\\":
                if self.text[self.at + 1] in "bB":
                    return "\\b inside '[…]' does not mean the same in all dialects"
                found = self._skip_escape()
                if found:
                    return found
            else:
                self.at += 1
        self.at += 1
        return self._quantifier()[0]

    def _quantifier(self) -> tuple[str | None, int]:
        """What is wrong with the quantifier here, if there is one, and how often it repeats at most."""
        if self.at >= len(self.text) or self.text[self.at] not in "*+?{":
            return None, 1
        match = _COUNT.match(self.text, self.at)
        if self.text[self.at] == "{" and not match:
            return "'{' needs a backslash, or a count as in {2} or {1,3}", 1
        most = _most(match) if match else 1 if self.text[self.at] == "?" else UNBOUNDED
        self.at = match.end() if match else self.at + 1
        if self.text.startswith("?", self.at):
            self.at += 1
        if self.at < len(self.text) and self.text[self.at] in "*+{":
            return "possessive quantifiers are not of all dialects", most
        return None, most


def _most(count: re.Match[str]) -> int:
    """The upper end of ``{2}``, ``{2,}`` or ``{2,5}``."""
    if count[2] is None:
        return int(count[1])
    return int(count[3]) if count[3] else UNBOUNDED
