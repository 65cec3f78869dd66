"""Branches, as values that screens show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rich.console import RenderableType

from headrace.cli.pages import branch
from headrace.files import StagedFile
from headrace.ledger.records import Claim, Manifest, SetAside
from headrace.ledger.survey import ClaimStatus
from headrace.operate.branches import BranchReport

AT = "2026-11-28T01:02:03.456789+00:00"
TIME = datetime.fromisoformat(AT)
SUBMISSION = "20261128-010203-5f3e9c2a"
MANIFEST = "0000000012-5f3e9c2ab1d47788"
FORKED = "0000000007-77aa01bc9e3f2d10"


def sealed(number: int, files: int = 2) -> Manifest:
    staged = tuple(
        StagedFile(path=f"_staged/{SUBMISSION}/{n}.parquet", size=123_456 * (n + 1)) for n in range(files)
    )
    return Manifest(
        id=f"00000000{number}-5f3e9c2ab1d47788",
        parent=MANIFEST,
        checkpoint=number,
        output="flights",
        claim=3,
        submission=SUBMISSION,
        contract_version="1.0.0",
        files=staged,
    )


def _claim(number: int) -> Claim:
    return Claim(
        number=number,
        submission=f"20261128-01020{number}-5f3e9c2a",
        restored_from=None,
        contract_version="1.0.0",
        at=AT,
    )


def claimed(
    number: int,
    state: str,
    forks_at: dict[str, str | None],
    checkpoints: tuple[int, int] | None,
    *manifests: Manifest,
) -> ClaimStatus:
    return ClaimStatus(
        claim=_claim(number),
        state=state,
        followed=state == "ahead",
        forks_at=forks_at,
        checkpoints=checkpoints,
        manifests={
            "flights": list(manifests),
            "flights__quarantine": [m.model_copy(update={"files": ()}) for m in manifests],
        },
    )


def fork() -> ClaimStatus:
    return claimed(2, "fork", {"flights": FORKED, "flights__quarantine": None}, (8, 11), sealed(11))


def _set_aside() -> SetAside:
    return SetAside(number=1, why="restored the wrong savepoint", by="ana", at=AT, claim=2, newest_claim=3)


def _branches() -> list[ClaimStatus]:
    ahead = claimed(3, "ahead", {}, (13, 14), sealed(13), sealed(14, 1))
    return [claimed(1, "left behind", {}, None), fork(), ahead]


SCREENS: dict[str, Callable[[], RenderableType]] = {
    "branch ls": lambda: branch.table(_branches()),
    "branch show": lambda: branch.page(BranchReport(fork(), (_set_aside(),))),
    "branch show, several checkpoints": lambda: branch.page(BranchReport(_branches()[2], ())),
    "branch show, nothing staged": lambda: branch.page(BranchReport(_branches()[0], ())),
}
