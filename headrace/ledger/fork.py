"""Where a replay leaves the published branch, and what it replaces there.

A batch holds one or more manifests of each output, and a fork may leave the branch between two of them: what
comes before the fork point is shared, what comes after it is replaced. A batch that ended an earlier
replay begins at a fork itself: the batches between its fork point and it are no longer part of the branch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from headrace.errors import DecisionNeeded, UsageError
from headrace.files import Baseline, Files
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    BATCHES,
    DONE,
    FoldedManifest,
    ForkBatch,
    ForkPoint,
    PublishBatch,
    RollbackBatch,
    SwapBatch,
)
from headrace.offsets import Span


def at_manifests(ledger: Ledger, manifests: Mapping[str, str]) -> ForkPoint:
    """The fork point at which these are the last shared manifests.

    Raises:
        DecisionNeeded: they are not published yet.
        UsageError: they are published, and not part of the branch any more: a replay replaced them.
    """
    batches = {ledger.published(output, manifest) for output, manifest in manifests.items()}
    if None in batches:
        raise DecisionNeeded(
            "what the job had written there is not published yet",
            where=f"job {ledger.job}, manifests {', '.join(sorted(set(manifests.values())))}",
            remedy=f"headrace publish {ledger.job}",
        )
    fork = ForkPoint(batch=max(b or 0 for b in batches), manifests=dict(manifests))
    require_on_branch(ledger, fork)
    return fork


def require_on_branch(ledger: Ledger, fork: ForkPoint) -> None:
    """Refuse a fork point that is not on the published branch: what comes after it could not be replaced.

    Raises:
        UsageError: another replay has replaced the branch there.
    """
    if not fork.batch:
        return
    for number, end in _batches_on_branch(ledger):
        if number == fork.batch:
            order = _manifests(ledger, number)
            if all(_index(order[o], m) < _index(order[o], end[o], 1) for o, m in fork.manifests.items()):
                return
        if number <= fork.batch:
            break
    raise UsageError(
        "this place is not on the published branch any more: a replay, or its rollback, has replaced it",
        where=f"job {ledger.job}, batch {fork.batch}",
        remedy=f"headrace replay ls {ledger.job}; headrace anchor ls {ledger.job}",
    )


def at_batch(ledger: Ledger, number: int) -> ForkPoint:
    """The fork point after a batch; after 0: before everything. A patch is not a place on the branch."""
    while number and ledger.required(DONE, number).patched:
        number -= 1
    manifests = ledger.required(DONE, number).heads if number else {}
    return ForkPoint(batch=number, manifests=manifests)


def newest_within(ledger: Ledger, offsets: Mapping[int, int]) -> int:
    """The newest batch that the branch holds whole and whose frontier exceeds none of these offsets; or 0.

    By bisection: frontiers grow along a branch, from one published replay to the next.
    """

    def fits(number: int) -> bool:
        frontier = ledger.required(DONE, number).frontier
        return all(frontier.get(p, 0) <= o for p, o in offsets.items())

    high = ledger.newest(DONE)
    while high > 0:
        since = ledger.required(DONE, high).since
        low, top = since - 1, high
        while low < top:
            middle = (low + top + 1) // 2
            low, top = (middle, top) if fits(middle) else (low, middle - 1)
        if low >= since:
            return low
        fork = ledger.required(DONE, since).fork or ForkPoint(batch=0)
        whole = not fork.batch or ledger.required(DONE, fork.batch).heads == fork.manifests
        high = fork.batch if whole else fork.batch - 1
    return 0


def files_after(ledger: Ledger, fork: ForkPoint) -> Files:
    """Per output, the published files after the fork point, oldest first: what a replay replaces."""
    by_output: Files = {}
    for number, after, end in _batches_after(ledger, fork, ledger.newest(DONE)):
        for output, files in _files_between(ledger, number, after, end).items():
            by_output[output] = files + by_output.get(output, ())
    return by_output


def manifests_after(ledger: Ledger, fork: ForkPoint, newest: int) -> dict[str, tuple[FoldedManifest, ...]]:
    """Per output, the manifests after the fork point, oldest first, on the branch up to batch ``newest``."""
    by_output: dict[str, tuple[FoldedManifest, ...]] = {}
    for number, after, end in _batches_after(ledger, fork, newest):
        wanted = _manifests_between(ledger, number, after, end)
        for output, out in ledger.required(BATCHES, number).outputs.items():
            own = tuple(m for m in out.manifests if m.id in wanted[output])
            by_output[output] = own + by_output.get(output, ())
    return by_output


def _batches_after(
    ledger: Ledger, fork: ForkPoint, newest: int
) -> Iterator[tuple[int, Mapping[str, str], Mapping[str, str]]]:
    """Batches after a fork point, newest first, with the manifests between which the branch holds them."""
    for number, end in _batches_on_branch(ledger, newest):
        if number < fork.batch:
            return
        yield number, fork.manifests if number == fork.batch else {}, end


def holes_after(ledger: Ledger, fork: ForkPoint) -> list[Span]:
    """Holes of the branch from the fork's own batch on, merged where they touch: Kafka made or lost them."""
    holes: list[Span] = []
    for number, _, _ in _batches_after(ledger, fork, ledger.newest(DONE)):
        batch = ledger.required(BATCHES, number)
        holes += batch.notes.without_rows if isinstance(batch, (PublishBatch, ForkBatch)) else ()
    merged: list[Span] = []
    for span in sorted(holes, key=lambda s: (s.partition, s.first)):
        last = merged[-1] if merged else None
        if last and last.partition == span.partition and span.first <= last.last + 1:
            merged[-1] = Span(last.partition, last.first, max(last.last, span.last))
        else:
            merged.append(span)
    return merged


def baseline(ledger: Ledger, fork: ForkPoint) -> Baseline:
    """What the tables held at the fork point, as a version and what came after it."""
    if not fork.batch:
        return Baseline()
    done = ledger.required(DONE, fork.batch)
    if done.heads == fork.manifests:
        return Baseline(versions=done.versions)
    under = baseline(ledger, before_batch(ledger, fork.batch))
    files = _files_between(ledger, fork.batch, {}, fork.manifests)
    kept = {o: (*under.files.get(o, ()), *own) for o, own in files.items()}
    return Baseline(versions=under.versions, files=kept)


def swaps(ledger: Ledger) -> Iterator[int]:
    """Batches that published a replay or rolled one back, newest first."""
    number = ledger.newest(DONE)
    while number > 0:
        since = ledger.required(DONE, number).since
        if ledger.required(DONE, since).fork:
            yield since
        number = since - 1


def last_published_replay(ledger: Ledger) -> int:
    """The batch of the last published replay that was not rolled back; 0 if there is none."""
    rolled_back: set[int] = set()
    for number in swaps(ledger):
        batch = ledger.required(BATCHES, number)
        if isinstance(batch, RollbackBatch):
            rolled_back.add(batch.replay)
        elif isinstance(batch, SwapBatch) and batch.replay not in rolled_back:
            return number
    return 0


def before_batch(ledger: Ledger, number: int) -> ForkPoint:
    """The fork point from which a batch continues the branch."""
    return ledger.required(DONE, number).fork or at_batch(ledger, number - 1)


def _batches_on_branch(ledger: Ledger, newest: int = 0) -> Iterator[tuple[int, dict[str, str]]]:
    """The branch's batches, newest first, each with the last manifests of it that the branch holds."""
    number, end = newest or ledger.newest(DONE), None
    while number > 0:
        done = ledger.required(DONE, number)
        if done.patched:  # it moves no head
            number -= 1
            continue
        yield number, end or done.heads
        fork = done.fork
        number, end = (fork.batch, fork.manifests) if fork else (number - 1, None)


def own_files(ledger: Ledger, fork: ForkPoint) -> Files:
    """Per output, the files that the fork's own batch holds up to the fork point."""
    return _files_between(ledger, fork.batch, {}, fork.manifests)


def _files_between(ledger: Ledger, number: int, after: Mapping[str, str], end: Mapping[str, str]) -> Files:
    """Files of a batch's manifests after those of ``after``, up to those of ``end``."""
    wanted = _manifests_between(ledger, number, after, end)
    outputs = ledger.required(BATCHES, number).outputs
    return {o: tuple(f for f in out.files if f.manifest in wanted[o]) for o, out in outputs.items()}


def _manifests_between(
    ledger: Ledger, number: int, after: Mapping[str, str], end: Mapping[str, str]
) -> dict[str, set[str]]:
    """Manifests of a batch after those of ``after``, up to those of ``end``."""
    return {
        output: set(order[_index(order, after.get(output), 1) : _index(order, end.get(output), 1)])
        for output, order in _manifests(ledger, number).items()
    }


def _manifests(ledger: Ledger, number: int) -> dict[str, tuple[str, ...]]:
    return ledger.required(DONE, number).manifests


def _index(order: Sequence[str], manifest: str | None, more: int = 0) -> int:
    """The index of a manifest in its batch, plus ``more``; 0 for none."""
    return 0 if manifest is None else order.index(manifest) + more
