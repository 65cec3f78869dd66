"""Which submission sealed which manifests."""

from __future__ import annotations

from pydantic import TypeAdapter

from headrace.ledger.records.record import Numbered, RecordKind


class Claim(Numbered):
    """One submission's claim that its manifests continue the branch."""

    submission: str
    restored_from: str | None
    contract_version: str
    at: str
    begins_after: dict[str, str] | None = None
    """Per output the published manifest after which a start without state begins; None for other starts."""
    replay: int | None = None
    """The replay whose fork it is: publish follows it only once that replay is published."""
    plan: str = ""
    """Digest of the plan that it runs."""


CLAIMS = RecordKind("claims", TypeAdapter(Claim), stamped=("number",))
