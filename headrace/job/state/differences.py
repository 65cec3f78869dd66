"""Describes what changed between two operators, so that a reviewer can decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from headrace.job.state.meaning import COLUMNS, Meaning, Named

MIXED = "existing state is kept: results mix both meanings until it expires"
_MOST = 200
_LATENESS = "CURRENT_WATERMARK"
_OWN_MARK = "_event_time > (w0$o0 - "
"""The clause of :func:`headrace.table.event_time.in_time_view` as it appears in a plan."""


def describe_change(was: Meaning, now: Meaning) -> str:
    """How the meaning of an operator's state changes."""
    return "; ".join([*(_changes(was, now) or [_upstream_change(was)]), MIXED])


def output_changes(was: Meaning, now: Meaning) -> str:
    """How the rows of a table change, if that is decided after the last operator with state; else empty."""
    changes = [*_conditions(was, now), *_reads(was, now)] if was.above == now.above else []
    if not changes:
        return ""
    return "; ".join([*changes, "rows written before are kept: the table then holds both meanings"])


def source_changes(was: Meaning, now: Meaning) -> str:
    """How the contract of a source has changed, with columns added or removed; its positions are kept."""
    return "; ".join([*_facts(was, now), *_columns(was, now)])


def describe_loss(was: Meaning, heirs: Sequence[Meaning]) -> str:
    """Why an operator's state is lost.

    Args:
        was: the operator.
        heirs: new operators of the new plan of the same kind and in the same place.
    """
    if not heirs:
        return "its state is lost: nothing in the new job takes its place"
    if len(heirs) > 1 and any(h.layout == was.layout for h in heirs):
        return (
            "its state is lost: several queries could continue from it, and it is not clear which;"
            " edit one at a time to keep it"
        )
    now = heirs[0]
    if now.type != was.type:
        return f"its state is lost: {now.kind} replaces it, with different state"
    return f"its state is lost: {'; '.join(_layout_changes(was, now)) or 'Flink now stores it differently'}"


def _changes(was: Meaning, now: Meaning) -> list[str]:
    above = [*_facts(was, now), *_columns(was, now)]
    return [*above, *_kept_for(was, now), *_conditions(was, now), *_reads(was, now)]


def _upstream_change(was: Meaning) -> str:
    return "its rows come from an operator that changed" if was.parts.reads else "what it reads changed"


def _conditions(was: Meaning, now: Meaning) -> list[str]:
    """Filters, conjunct by conjunct. Headrace's own filter for rows in time is described separately."""
    came, went = _missing_in(was, now), _missing_in(now, was)
    alike = sorted(v for v in {*came} & {*went} if not _is_lateness(v))
    added, removed = _filters(came, alike), _filters(went, alike)
    before, after = " ".join(removed), " ".join(added)
    return [
        *(_other_columns(v, was, now) for v in alike),
        *(f"a filter was added: {short(v, before)}" for v in added),
        *(f"a filter was removed: {short(v, after)}" for v in removed),
        *_lateness([*came, *went]),
    ]


def _missing_in(one: Meaning, other: Meaning) -> list[str]:
    """The texts of the other operator's conditions that this one lacks."""
    return [text for key, text in other.conditions.items() if key not in one.conditions]


def _filters(conditions: Iterable[str], alike: Sequence[str]) -> list[str]:
    """The filters that people wrote and that are not in both plans."""
    return [c for c in conditions if c not in alike and not _is_lateness(c)]


def _lateness(conditions: Iterable[str]) -> list[str]:
    if any(map(_is_lateness, conditions)):
        return ["which rows are in time changed (allowedLateness, watermarkDelay)"]
    return []


def _other_columns(condition: str, was: Meaning, now: Meaning) -> str:
    """A filter whose text is unchanged, but whose columns are computed differently."""
    if "_verdict" not in condition:
        return f"the filter {short(condition)} is unchanged, but its columns are computed differently"
    if changes := [*_promises(was, now)]:
        return "; ".join(changes)
    names = ", ".join(_contract(table) for table in now.facts)
    contract = f"contract {names}" if len(now.facts) == 1 else f"a contract ({names})"
    return f"the rules of {contract} in _verdict changed"


def _promises(was: Meaning, now: Meaning) -> Iterator[str]:
    """How the promises of the sources' contracts changed, one by one."""
    for table in sorted(now.promises.keys() & was.promises.keys()):
        before, after = was.promises[table], now.promises[table]
        for name in sorted({*before, *after}):
            old, new = before.get(name, ""), after.get(name, "")
            if old and not new:
                yield f"{_contract(table)}: {name} was removed: {short(old)}"
            elif new and not old:
                yield f"{_contract(table)}: {name} was added: {short(new)}"
            elif old != new:
                yield f"{_contract(table)}: {name} is {short(new, old)}; it was {short(old, new)}"


def _is_lateness(condition: str) -> bool:
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
"""The parts of an operator's layout."""


def _layout_changes(was: Meaning, now: Meaning) -> Iterator[str]:
    """How the layout changed, part by part."""
    if _digests(was.parts.keys) != _digests(now.parts.keys):
        yield _order_or("keys", _texts(was.parts.keys), _texts(now.parts.keys))
    elif was.parts.layout.get("aggCalls") != now.parts.layout.get("aggCalls"):
        yield _order_or("aggregates", _texts(was.parts.reads), _texts(now.parts.reads))
    if was.kind == "table-source-scan":
        yield from _facts(was, now)
    names = {*was.parts.layout, *now.parts.layout}
    for part in sorted(names & _PARTS.keys()):
        if was.parts.layout.get(part) != now.parts.layout.get(part):
            yield f"{_PARTS[part]} changed"


def _digests(parts: Iterable[Named]) -> list[str]:
    return [p.digest for p in parts]


def _texts(parts: Iterable[Named]) -> list[str]:
    return [p.text for p in parts]


def _order_or(what: str, before: list[str], after: list[str]) -> str:
    change = f"its {what} are {_list(after)}; they were {_list(before)}"
    if before != after and sorted(before) == sorted(after):
        return f"{change}: Flink stores them in order, so the old order would keep the state"
    return change


def _list(texts: Iterable[str]) -> str:
    return ", ".join(short(t) for t in texts) or "nothing"


def short(text: str, other: str = "", most: int = _MOST) -> str:
    """The text; of a long text, the part where it starts to differ from another."""
    if len(text) <= most:
        return text
    alike = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    first = max(0, alike - most // 2)
    last = first + most
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"
