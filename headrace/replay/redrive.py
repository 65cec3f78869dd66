"""Send quarantined records through decode and rules again, repaired or not, at their own positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from headrace.contract.model import Contract
from headrace.errors import UsageError
from headrace.job.program import Program
from headrace.job.ready import require_ready
from headrace.ledger import patches
from headrace.ledger.decisions import discarded
from headrace.ledger.ledger import Ledger
from headrace.ledger.patches import REDRIVE
from headrace.ledger.records import Patch, Refusal
from headrace.read import quarantine
from headrace.read.quarantine import Selection
from headrace.replay import payloads
from headrace.replay.payloads import Payload
from headrace.replay.repair import Repair, load, repaired


def record(ledger: Ledger, program: Program, wanted: Selection, why: str, repair: str | None = None) -> Patch:
    """Copy the payloads from quarantine, repair them, and record the redrive.

    Raises:
        UsageError: there are no such records, or no such function.
        DecisionNeeded: the job was edited, and that is not accepted.
    """
    contract, judged_by = program.contract, require_ready(ledger, program)
    function = load(repair) if repair else None
    failed: Counter[str] = Counter()
    examples: dict[str, str] = {}
    to_judge = _payloads(ledger, contract, wanted, function, failed, examples)
    key, records = payloads.write(ledger, to_judge)
    unrepaired = tuple(
        Refusal(reason="repair_failed", field=None, rule=kind, count=n, example=examples[kind])
        for kind, n in failed.most_common()
    )
    if not records:
        raise _nothing(ledger, contract, wanted, repair, unrepaired)
    origin = f"quarantine: {wanted}" + (f"; repaired by {repair}" if repair else "")
    asked = Patch(
        kind=REDRIVE,
        origin=origin,
        why=why,
        by="",
        at="",
        contract_version=contract.version,
        program=judged_by,
        records=records,
        input=key,
        repair=repair,
        unrepaired=unrepaired,
    )
    return patches.record(ledger, asked)


def _nothing(
    ledger: Ledger, contract: Contract, wanted: Selection, repair: str | None, unrepaired: tuple[Refusal, ...]
) -> UsageError:
    """Why there is nothing to judge: the repair failed, or the records were discarded, or there are none."""
    where = f"{contract.id}__quarantine: {wanted}"
    if unrepaired:
        kinds = ", ".join(f"{x.count:,} by {x.rule}, first at {x.example}" for x in unrepaired)
        return UsageError(
            f"{repair} failed on every record: {kinds}",
            where=where,
            remedy="correct the function, and redrive again",
        )
    if there := quarantine.positions(ledger.warehouse, contract.id, wanted):
        return UsageError(
            f"all {len(there):,} of these records are discarded",
            where=where,
            remedy=f"headrace quarantine discard {contract.id} --undo DECISION --why TEXT brings them back",
        )
    return UsageError(
        "there are no such records in quarantine",
        where=where,
        remedy=f"headrace quarantine ls {contract.id}",
    )


def _payloads(
    ledger: Ledger,
    contract: Contract,
    wanted: Selection,
    function: Repair | None,
    failed: Counter[str],
    examples: dict[str, str],
) -> Iterator[Payload]:
    """What is to be judged. A record on which the function failed is counted, and stays where it is."""
    left = {(s.partition, o) for s in discarded(ledger).spans() for o in range(s.first, s.last + 1)}
    for raw, topic, partition, offset, millis in quarantine.payloads(ledger.warehouse, contract.id, wanted):
        if (partition, offset) in left:
            continue
        done = repaired(function, raw) if function else None
        if done and done.failed:
            failed[done.failed] += 1
            examples.setdefault(done.failed, f"{partition}:{offset}")
            continue
        changed = done is not None and done.changed
        payload = done.payload if done else raw
        yield Payload(payload, topic, partition, offset, millis, raw if changed else None)
