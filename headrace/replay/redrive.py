"""Send quarantined records through decode and rules again, repaired or not, at their own positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

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
from headrace.replay.payloads import Payload, PayloadFile, new_payload_file
from headrace.replay.repair import Repair, Repaired, apply_repair, load_repair


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
    with new_payload_file() as payloads:
        unrepaired = _write_repaired(payloads, ledger, contract, wanted, function)
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


def _write_repaired(
    file: PayloadFile, ledger: Ledger, contract: Contract, wanted: Selection, function: Repair | None
) -> tuple[Refusal, ...]:
    """Write what is to be judged; returns what the function failed on: those records stay where they are."""
    failed: Counter[str] = Counter()
    examples: dict[str, str] = {}

    def repaired() -> Iterator[Payload]:
        for record in _payloads(ledger, contract, wanted):
            repair = apply_repair(function, record.payload) if function else Repaired(record.payload)
            if repair.failed:
                failed[repair.failed] += 1
                examples.setdefault(repair.failed, f"{record.partition}:{record.offset}")
            elif repair.changed:
                yield replace(record, payload=repair.payload, original=record.payload)
            else:
                yield record

    file.write(repaired())
    return tuple(
        Refusal(reason="repair_failed", field=None, rule=kind, count=n, example=examples[kind])
        for kind, n in failed.most_common()
    )


def _payloads(ledger: Ledger, contract: Contract, wanted: Selection) -> Iterator[Payload]:
    """The selected records in quarantine, without discarded ones."""
    left = {(s.partition, o) for s in discarded_records(ledger).spans() for o in range(s.first, s.last + 1)}
    for raw, topic, partition, offset, millis in quarantine.payloads(ledger.warehouse, contract.id, wanted):
        if (partition, offset) not in left:
            yield Payload(raw, topic, partition, offset, millis, None)
