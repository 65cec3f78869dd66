"""Records that must end in quarantine, each with the reason that it must get, mixed into the flights.

``python -m demo.broken`` prints them as the table of the documentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from demo import flights
from demo.payload import Broken
from demo.undecodable import UNDECODABLE
from demo.unkept import UNKEPT
from headrace.cluster.kafka import Message

BROKEN: tuple[Broken, ...] = (*UNDECODABLE, *UNKEPT)

EVERY = flights.FLIGHTS // (len(BROKEN) + 1)
"""A broken record comes after so many flights: the same place in every run."""


def mixed() -> Iterator[Message]:
    """All flights in order, with the next broken record after every ``EVERY`` of them."""
    broken = iter(BROKEN)
    for number, event in enumerate(flights.events(), 1):
        yield Message(event)
        if number % EVERY == 0 and (bad := next(broken, None)):
            yield Message(bad.payload)
    yield from (Message(bad.payload) for bad in broken)


def by_reason() -> dict[str, int]:
    """How many records quarantine must hold for each reason, the most frequent first."""
    return dict(Counter(bad.reason for bad in BROKEN).most_common())


def kind_table() -> str:
    """One line per kind, in Markdown: how many, the reasons, and what makes them dangerous."""
    kinds: dict[str, list[Broken]] = {}
    for bad in BROKEN:
        kinds.setdefault(bad.kind, []).append(bad)
    lines = ["| kind | records | reason | for example |", "|---|---|---|---|"]
    for kind, members in kinds.items():
        reasons = ", ".join(f"`{r}`" for r in dict.fromkeys(bad.reason for bad in members))
        lines.append(f"| {kind} | {len(members)} | {reasons} | {members[0].why} |")
    return "\n".join(chain(lines, [f"| **{len(kinds)} kinds** | **{len(BROKEN)}** | | |"]))


if __name__ == "__main__":
    print(kind_table())
