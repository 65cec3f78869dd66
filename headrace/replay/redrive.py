"""Send quarantined records through decode and rules again, repaired or not, at their own positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from headrace.contract.model import Contract
from headrace.errors import UsageError
from headrace.job.program import Program
from headrace.job.ready import require_ready
from headrace.ledger import patches
from headrace.ledger.decisions import discarded_records
from headrace.ledger.ledger import Ledger
from headrace.ledger.patches import REDRIVE
from headrace.ledger.records import Patch, Refusal
from headrace.read import quarantine
from headrace.read.quarantine import Selection
from headrace.replay.payloads import Payload, new_payload_file
from headrace.replay.repair import Repair, apply_repair, load_repair


def request_redrive(
    ledger: Ledger, program: Program, wanted: Selection, why: str, repair: str | None = None
) -> Patch:
    """Copy the payloads from quarantine, repair them, and record the request of a redrive.

    Raises:
        UsageError: there are no such records, or no such function.
        DecisionNeeded: the job was edited, and that is not accepted.
    """
    contract, judged_by = program.contract, require_ready(ledger, program)
    function = load_repair(repair) if repair else None
    failed: Counter[str] = Counter()
    examples: dict[str, str] = {}
    with new_payload_file() as payloads:
        payloads.write(_payloads(ledger, contract, wanted, function, failed, examples))
        unrepaired = tuple(
            Refusal(reason="repair_failed", field=None, rule=kind, count=n, example=examples[kind])
            for kind, n in failed.most_common()
        )
        if not payloads.rows:
            raise _nothing_to_judge(ledger, contract, wanted, repair, unrepaired)
        key = payloads.store(ledger)
    origin = f"quarantine: {wanted}" + (f"; repaired by {repair}" if repair else "")
    request = Patch(
        kind=REDRIVE,
        origin=origin,
        why=why,
        contract_version=contract.version,
        program=judged_by,
        records=payloads.rows,
        input=key,
        repair=repair,
        unrepaired=unrepaired,
    )
    return patches.record_patch(ledger, request)


def _nothing_to_judge(
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
    left = {(s.partition, o) for s in discarded_records(ledger).spans() for o in range(s.first, s.last + 1)}
    for raw, topic, partition, offset, millis in quarantine.payloads(ledger.warehouse, contract.id, wanted):
        if (partition, offset) in left:
            continue
        repair = apply_repair(function, raw) if function else None
        if repair and repair.failed:
            failed[repair.failed] += 1
            examples.setdefault(repair.failed, f"{partition}:{offset}")
            continue
        changed = repair is not None and repair.changed
        payload = repair.payload if repair else raw
        yield Payload(payload, topic, partition, offset, millis, raw if changed else None)
