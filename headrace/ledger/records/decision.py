"""Decisions of operators and of batches: each kind of decision has the fields that it needs.

A decision is undone by another one, and never removed.
"""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field, TypeAdapter

from headrace.ledger.records.record import Numbered, RecordKind
from headrace.offsets import Span


class _Decision(Numbered):
    why: str
    by: str = ""
    """Who decided; set by the ledger, like the time."""
    at: str = ""


class SetAside(_Decision):
    """Publish does not follow a claim."""

    action: Literal["set-aside"] = "set-aside"
    claim: int
    newest_claim: int
    """The newest claim at that time."""


class Adopt(_Decision):
    """Publish follows a claim until a newer one is made."""

    action: Literal["adopt"] = "adopt"
    claim: int
    newest_claim: int


class Restart(_Decision):
    """The next start reads on from the frontier, without state."""

    action: Literal["restart"] = "restart"
    newest_claim: int


class AcceptLoss(_Decision):
    """Publish goes on although the topic no longer has these offsets."""

    action: Literal["accept-loss"] = "accept-loss"
    spans: tuple[Span, ...]


class AcceptTail(_Decision):
    """Staged rows are published up to a checkpoint, although their topic is gone."""

    action: Literal["accept-tail"] = "accept-tail"
    claim: int
    checkpoint: int
    manifests: dict[str, str]
    """Per output the last manifest that is meant: what is sealed later is not."""


class Discard(_Decision):
    """Quarantined records will never be valid: no redrive takes them."""

    action: Literal["discard"] = "discard"
    spans: tuple[Span, ...]


class UndoDecision(_Decision):
    """An earlier decision, and every one before it about the same subject, is no longer in effect."""

    action: Literal["undo"] = "undo"
    undoes: int


class ReplaceBranch(_Decision):
    """A replay's batch is finished: its fork is the branch, and no claim that was made before is followed."""

    action: Literal["replace"] = "replace"
    replay: int
    claim: int
    newest_claim: int


class RollBack(_Decision):
    """A replay was rolled back: the claim that was followed before it is followed again."""

    action: Literal["roll-back"] = "roll-back"
    replay: int
    claim: int
    newest_claim: int


class AbortReplay(_Decision):
    """A replay is never published."""

    action: Literal["abort-replay"] = "abort-replay"
    replay: int


class PublishPatch(_Decision):
    """A patch's batch is in the tables."""

    action: Literal["publish-patch"] = "publish-patch"
    patch: int
    batch: int
    rolls_back: int | None
    """Of a rollback, the patch that it reverses."""


class AbortPatch(_Decision):
    """A patch is never published."""

    action: Literal["abort-patch"] = "abort-patch"
    patch: int


class ExpireAnchor(_Decision):
    """No replay begins at an anchor any more, and its savepoint may be removed."""

    action: Literal["expire"] = "expire"
    anchor: int


Decision = Annotated[
    Union[  # noqa: UP007 - pydantic evaluates it on Python 3.10
        SetAside,
        Adopt,
        Restart,
        AcceptLoss,
        AcceptTail,
        Discard,
        UndoDecision,
        ReplaceBranch,
        RollBack,
        AbortReplay,
        PublishPatch,
        AbortPatch,
        ExpireAnchor,
    ],
    Field(discriminator="action"),
]

_DECISION: TypeAdapter[Decision] = TypeAdapter(Decision)
DECISIONS = RecordKind("decisions", _DECISION, stamped=("number", "by", "at"))
