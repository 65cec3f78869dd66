"""The checkpoint or savepoint from which a new submission continues: the newest good one on the branch.

A savepoint records its submission, wherever it is stored and whoever took it; the ledger records whether that
submission is on the branch.
"""

from __future__ import annotations

from headrace.ledger.branch import followed_claim
from headrace.ledger.decisions import StandingDecisions
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import Claim
from headrace.savepoint.metadata import Checkpoint
from headrace.savepoint.retained import checkpoints_of_submission, read_checkpoint
from headrace.storage.warehouse import Warehouse


def newest_on_branch(warehouse: Warehouse, ledger: Ledger) -> Checkpoint | None:
    """The newest good checkpoint of the followed claim, or of the claims that it was restored from.

    A claim that never reached a checkpoint (its submission failed) leads to the one before it, as
    long as it has published nothing of its own. Where an operator decided that the job restarts at the
    frontier, what was claimed before that is left alone.
    """
    claims = ledger.claims()
    decisions = StandingDecisions.of(ledger.decisions())
    at = followed_claim(claims, decisions)
    while at is not None and at.number > decisions.last_claim_before_restart:
        own = checkpoints_of_submission(warehouse, ledger.job, at.submission)
        if own:
            return own[-1]
        at = _restored_claim(warehouse, at, claims)
    return None


def _restored_claim(warehouse: Warehouse, claim: Claim, claims: list[Claim]) -> Claim | None:
    """The claim from whose checkpoint this one was restored."""
    if claim.restored_from is None:
        return None
    key = claim.restored_from.removeprefix(f"{warehouse.uri}/").rstrip("/") + "/_metadata"
    restored = read_checkpoint(warehouse, key)
    for earlier in reversed([c for c in claims if c.number < claim.number]):
        its_folder = f"/{earlier.submission}/" in claim.restored_from
        if its_folder or (restored and restored.submission == earlier.submission):
            return earlier
    return None
