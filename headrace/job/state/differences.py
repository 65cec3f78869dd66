"""What changed between two operators, in words that let a reviewer decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from headrace.job.state.meaning import COLUMNS, Meaning

MIXED = "what it holds from before stays: results mix both until that has gone"
_MOST = 200
_LATENESS = "CURRENT_WATERMARK"
_OWN_MARK = "_event_time > (w0$o0 - "
"""How the clause of :func:`headrace.table.event_time.in_time_view` reads in a plan."""


def changed(was: Meaning, now: Meaning) -> str:
    """Why an operator's state goes on under another meaning."""
    return "; ".join([*(_said(was, now) or [_above(was)]), MIXED])


def written_otherwise(was: Meaning, now: Meaning) -> str:
    """Of a table: what its rows are from now on, if that is decided after the last state; else nothing."""
    said = [*_conditions(was, now), *_reads(was, now)] if was.above == now.above else []
    if not said:
        return ""
    return "; ".join([*said, "rows written before stay as they are: the table holds both meanings"])


def reads_otherwise(was: Meaning, now: Meaning) -> str:
    """Of a source, whose positions go on: what its contract says otherwise, and columns that came or went."""
    return "; ".join([*_facts(was, now), *_columns(was, now)])


def dropped(was: Meaning, heirs: Sequence[Meaning]) -> str:
    """Why an operator's state is lost.

    Args:
        was: the operator.
        heirs: those of the new plan that are new, do the same kind of work, and stand where it stood.
    """
    if not heirs:
        return "its state is lost: nothing in the new job takes its place"
    if len(heirs) > 1 and any(h.layout == was.layout for h in heirs):
        return (
            "its state is lost: several queries could go on from it, and nothing says which;"
            " edit one at a time, to keep it"
        )
    now = heirs[0]
    if now.type != was.type:
        return f"its state is lost: in its place stands {now.kind} now, whose state is another"
    return f"its state is lost: {'; '.join(_laid_otherwise(was, now)) or 'Flink keeps it in another way now'}"


def _said(was: Meaning, now: Meaning) -> list[str]:
    above = [*_facts(was, now), *_columns(was, now)]
    return [*above, *_kept_for(was, now), *_conditions(was, now), *_reads(was, now)]


def _above(was: Meaning) -> str:
    return "its rows come from an operator that changed" if was.parts.reads else "what it reads changed"


def _conditions(was: Meaning, now: Meaning) -> list[str]:
    """Filters, conjunct by conjunct. Our own, of which rows are in time, has words of its own."""
    came = {k: v for k, v in now.conditions.items() if k not in was.conditions}
    went = {k: v for k, v in was.conditions.items() if k not in now.conditions}
    late = any(_ours(v) for v in (*came.values(), *went.values()))
    alike = sorted({*came.values()} & {*went.values()} - {v for v in came.values() if _ours(v)})
    came, went = ({k: v for k, v in found.items() if v not in alike} for found in (came, went))
    before, after = " ".join(went.values()), " ".join(came.values())
    said = [_other_columns(v, was, now) for v in alike]
    said += [f"a filter came: {short(v, before)}" for v in came.values() if not _ours(v)]
    said += [f"a filter went: {short(v, after)}" for v in went.values() if not _ours(v)]
    return [*said, *(["which rows are in time changed (allowedLateness, watermarkDelay)"] if late else [])]


def _other_columns(condition: str, was: Meaning, now: Meaning) -> str:
    """Of a filter that reads as before: what its columns are made of is other."""
    if "_verdict" not in condition:
        return f"the filter {short(condition)} stays, but what its columns are made of changed"
    if said := [*_promises(was, now)]:
        return "; ".join(said)
    names = ", ".join(_contract(table) for table in now.facts)
    contract = f"contract {names}" if len(now.facts) == 1 else f"a contract ({names})"
    return f"the rules of {contract} behind _verdict changed"


def _promises(was: Meaning, now: Meaning) -> Iterator[str]:
    """What the contracts of the sources promise otherwise, promise by promise."""
    for table in sorted(now.promises.keys() & was.promises.keys()):
        before, after = was.promises[table], now.promises[table]
        for name in sorted({*before, *after}):
            old, new = before.get(name, ""), after.get(name, "")
            if old and not new:
                yield f"{_contract(table)}: {name} went: {short(old)}"
            elif new and not old:
                yield f"{_contract(table)}: {name} came: {short(new)}"
            elif old != new:
                yield f"{_contract(table)}: {name} is {short(new, old)}; it was {short(old, new)}"


def _ours(condition: str) -> bool:
    return _LATENESS in condition or condition.startswith(_OWN_MARK)


def _reads(was: Meaning, now: Meaning) -> list[str]:
    """What it computes or holds, one by one."""
    before, after = was.parts.reads, now.parts.reads
    if len(before) != len(after):
        return [f"it reads {_list(n.text for n in after)}; it was {_list(n.text for n in before)}"]
    return [
        f"{new.name or 'a column'} is {short(new.text, old.text)}; it was {short(old.text, new.text)}"
        for old, new in zip(before, after, strict=True)
        if old.digest != new.digest and old.text != new.text
    ]


def _facts(was: Meaning, now: Meaning) -> list[str]:
    """What the contracts of its sources say."""
    return [
        f"{_contract(table)}: {key} is {_value(facts.get(key))}; it was {_value(was.facts[table].get(key))}"
        for table, facts in now.facts.items()
        if table in was.facts
        for key in sorted({*facts, *was.facts[table]} - {COLUMNS})
        if facts.get(key) != was.facts[table].get(key)
    ]


def _contract(table: str) -> str:
    return table.removesuffix("__topic")


def _value(value: Any) -> str:
    return "not set" if value is None else str(value)


def _kept_for(was: Meaning, now: Meaning) -> list[str]:
    if was.ttl == now.ttl:
        return []
    return [f"stateTtl is {_ttl(now.ttl)}; it was {_ttl(was.ttl)}"]


def _ttl(states: Sequence[str]) -> str:
    """Flink writes milliseconds."""
    ms = [int(s.split()[0]) for s in dict.fromkeys(states)]
    return ", ".join(str(timedelta(milliseconds=m)) if m else "not set (for ever)" for m in ms)


def _columns(was: Meaning, now: Meaning) -> list[str]:
    return [
        f"{_contract(table)}: column {name} {verb}: records that it does not fit are quarantined {since}"
        for table, facts in now.facts.items()
        for name, verb, since in _moved(was.facts.get(table, {}).get(COLUMNS, {}), facts.get(COLUMNS, {}))
    ]


def _moved(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    yield from ((n, "came", "from now on") for n in now if n not in was)
    yield from ((n, "went", "no longer") for n in was if n not in now)
    yield from (
        (n, f"is {now[n]}; it was {was[n]}", "from now on") for n in now if n in was and was[n] != now[n]
    )


_PARTS = {
    "window": "its window",
    "windowing": "its window",
    "overSpec": "its OVER window",
    "joinSpec": "its join",
    "intervalJoinSpec": "its join",
    "matchSpec": "its pattern",
    "types": "the columns that it keeps, or their types,",
}
"""Parts of an operator's layout."""


def _laid_otherwise(was: Meaning, now: Meaning) -> Iterator[str]:
    """What of the layout changed, part by part."""
    keys, aggregates = was.parts.keys, was.parts.reads
    if [k.digest for k in keys] != [k.digest for k in now.parts.keys]:
        yield _order_or("keys", [k.text for k in keys], [k.text for k in now.parts.keys])
    elif was.parts.layout.get("aggCalls") != now.parts.layout.get("aggCalls"):
        yield _order_or("aggregates", [a.text for a in aggregates], [a.text for a in now.parts.reads])
    if was.kind == "table-source-scan":
        yield from _facts(was, now)
    names = {*was.parts.layout, *now.parts.layout}
    for part in sorted(names & _PARTS.keys()):
        if was.parts.layout.get(part) != now.parts.layout.get(part):
            yield f"{_PARTS[part]} changed"


def _order_or(what: str, before: list[str], after: list[str]) -> str:
    told = f"its {what} are {_list(after)}; they were {_list(before)}"
    if before != after and sorted(before) == sorted(after):
        return f"{told}: Flink keeps them in their order, so the old order keeps the state"
    return told


def _list(texts: Iterable[str]) -> str:
    return ", ".join(short(t) for t in texts) or "nothing"


def short(text: str, other: str = "", most: int = _MOST) -> str:
    """The text; of a long one the part where it begins to differ from another."""
    if len(text) <= most:
        return text
    alike = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    first = max(0, alike - most // 2)
    last = first + most
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"
