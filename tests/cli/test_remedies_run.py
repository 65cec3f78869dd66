"""Remedies are run in the state that produced them; one that is not has a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from headrace import settings
from headrace.cluster.fake import FakeCluster
from headrace.contract.load import load_contract
from headrace.ledger import patches
from headrace.ledger.records import Discard, SetAside
from headrace.offsets import Span
from headrace.operate import Workspace
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.cli.mentioned_commands import mentioned_commands
from tests.cli.remedies import Terminal, followed_in, key, named_in
from tests.cli.remedies_not_run import NOT_RUN
from tests.cli.remedies_of_running_jobs import RUN
from tests.publish.sealed_lake import RECORDS, Lake, publish_two_batches
from tests.stack.submitting import look_in

TESTS = Path(__file__).parents[1]
PROJECT = TESTS / "stack/project"


@dataclass(frozen=True)
class State:
    """A state, the command that is typed, and the remedy that its refusal names."""

    remedy: str
    """The file whose message names it, and the command."""
    prepare: Callable[[Lake], object]
    line: str
    shows: bool = False
    """The remedy only shows what an operator must see, or is the next step, not a way out."""

    def __str__(self) -> str:
        return f"{self.remedy} — {self.line}"


def forked(lake: Lake) -> None:
    """A second submission left the published chain after its first checkpoint."""
    anchor = publish_two_batches(lake)
    second = lake.submit()
    lake.newest[second] = 1, anchor["events"]
    lake.seal(second, range(10, 20))


def set_aside(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.ledger.record_decision(SetAside(why="w", claim=1, newest_claim=1))


def recreated(lake: Lake) -> None:
    """Ten rows are staged, and the topic is another one now."""
    publish_two_batches(lake)
    lake.seal(1, range(30, 40))
    lake.kafka.recreate("events")


def cut_short(lake: Lake) -> None:
    """Ten rows are staged that the topic no longer holds."""
    publish_two_batches(lake)
    lake.seal(1, range(30, 40))
    lake.kafka.cut("events", 35)


def cut_below_the_frontier(lake: Lake) -> None:
    """The topic lost published offsets, and has grown past the frontier since."""
    publish_two_batches(lake)
    lake.seal(1, range(30, 35))
    lake.kafka.cut("events", 22)
    lake.kafka.send("events", RECORDS)


def deleted_too_early(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(35, 40))
    lake.kafka.delete_below("events", 35)


def skipped(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(35, 40))


def read_again(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(20, 40))


def staged_under_another_contract(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.seal(1, range(30, 35))
    path = (
        Path(lake.warehouse.uri.removeprefix("file://"))
        / "events/_staged/s1/at_day=2026-01-01/part-4.parquet"
    )
    pq.write_table(pq.read_table(path, partitioning=None).drop_columns("amount"), path)


def staged(lake: Lake) -> None:
    lake.submit()
    lake.seal(1, range(10))


def judged(lake: Lake) -> int:
    publish_two_batches(lake)
    number: int = lake.judge(patches.REDRIVE, good=range(26, 28))
    return number


def judged_of_another_topic(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.judge(patches.REPLAY, good=range(20, 28), end=28)
    lake.kafka.recreate("events")


def abort_patch(lake: Lake) -> None:
    lake.patcher().abort(judged(lake), "w")


def apply_patch(lake: Lake) -> int:
    number = judged(lake)
    lake.patcher().publish(number)
    return number


def apply_two_patches(lake: Lake) -> None:
    apply_patch(lake)
    second = lake.judge(patches.REPLAY, good=range(20, 28), end=28)
    lake.patcher().publish(second)


def request_rollback(lake: Lake) -> None:
    lake.ask(patches.ROLLBACK, rolls_back=apply_patch(lake))


def discarded(lake: Lake) -> None:
    publish_two_batches(lake)
    lake.ledger.record_decision(Discard(why="w", spans=(Span.parse("0:25-29"),)))


def begin_replay(lake: Lake) -> None:
    lake.replay(publish_two_batches(lake))


def replayed_twice(lake: Lake) -> None:
    anchor = publish_two_batches(lake)
    for _ in range(2):
        number, claim = lake.replay(anchor)
        lake.seal(claim, range(10, 30))
        lake.replace(number)


STATES = [
    State(
        "operate/branches.py: branch set-aside □ □ --undo --why TEXT",
        set_aside,
        "branch adopt events 1 --why w",
    ),
    State("operate/branches.py: branch set-aside □ □ --why TEXT", forked, "branch adopt events 2 --why w"),
    State("operate/branches.py: branch show □ □", forked, "branch adopt events 2 --why w", shows=True),
    State(
        "operate/branches.py: branch set-aside □ N --why TEXT",
        publish_two_batches,
        "branch restart events --undo --why w",
        shows=True,
    ),
    State("operate/branches.py: branch ls □", publish_two_batches, "branch show events 9", shows=True),
    State(
        "operate/branches.py: branch ls □",
        publish_two_batches,
        "branch adopt events 1 --undo --why w",
        shows=True,
    ),
    State("ledger/manifest_range.py: branch set-aside □ □ --why TEXT", forked, "publish events"),
    State("ledger/manifest_range.py: branch show □ □", forked, "publish events", shows=True),
    State("publish/refusals.py: publish □ --accept-tail □ --why TEXT", recreated, "publish events"),
    State("publish/refusals.py: branch set-aside □ □ --why TEXT", recreated, "publish events"),
    State("publish/refusals.py: publish □ --accept-tail □ --why TEXT", cut_short, "publish events"),
    State("publish/refusals.py: branch set-aside □ □ --why TEXT", cut_short, "publish events"),
    State("publish/refusals.py: branch restart □ --why TEXT", cut_short, "publish events", shows=True),
    State(
        "operate/accept.py: branch show □ □", recreated, "publish events --accept-tail 9 --why w", shows=True
    ),
    State("publish/refusals.py: publish □ □ --why TEXT", cut_below_the_frontier, "publish events"),
    State("publish/refusals.py: publish □ □ --why TEXT", deleted_too_early, "publish events"),
    State(
        "operate/accept.py: publish □",
        publish_two_batches,
        "publish events --accept-loss 0:1-2 --why w",
        shows=True,
    ),
    State("ledger/ledger.py: □ ls □", publish_two_batches, "patch show events 9", shows=True),
    State("ledger/ledger.py: □ ls □", publish_two_batches, "replay show events 9", shows=True),
    State("ledger/patch_history.py: patch ls □", abort_patch, "patch judge events 1", shows=True),
    State(
        "ledger/patch_history.py: patch rollback □ □ --why TEXT",
        request_rollback,
        "patch abort events 2 --why w",
        shows=True,
    ),
    State("publish/patch_checks.py: patch ls □", judged, "patch rollback events 1 --why w", shows=True),
    State(
        "publish/patch_checks.py: patch rollback □ □ --why TEXT",
        apply_two_patches,
        "patch rollback events 1 --why w",
    ),
    State(
        "operate/quarantine.py: quarantine ls □",
        publish_two_batches,
        "quarantine discard events --at 0:3 --why w",
        shows=True,
    ),
    State(
        "replay/redrive.py: quarantine ls □",
        publish_two_batches,
        "quarantine redrive events --at 0:3 --why w",
        shows=True,
    ),
    State(
        "replay/redrive.py: quarantine discard □ --undo DECISION --why TEXT",
        discarded,
        "quarantine redrive events --why w",
        shows=True,
    ),
    State("operate/publish.py: publish □", staged, "query 'TABLE events'"),
    State("publish/batch_checks.py: branch restart □ --why TEXT", skipped, "publish events", shows=True),
    State(
        "publish/refusals.py: branch show □ □", staged_under_another_contract, "publish events", shows=True
    ),
    State("publish/frontier.py: branch ls □", read_again, "publish events", shows=True),
    State(
        "publish/patch_checks.py: patch abort □ □ --why TEXT", judged_of_another_topic, "patch apply events 1"
    ),
    State(
        "publish/replay_checks.py: replay rollback □ □ --why TEXT",
        replayed_twice,
        "replay rollback events 1 --why w",
    ),
    State("cli/pages/patch.py: patch abort □ □ --why TEXT", judged, "patch show events 1", shows=True),
    State("cli/pages/patch.py: patch apply □ □", judged, "patch show events 1", shows=True),
    State(
        "cli/pages/patch.py: patch rollback □ □ --why TEXT", apply_patch, "patch show events 1", shows=True
    ),
    State("cli/pages/patch.py: quarantine show □", apply_two_patches, "patch show events 1", shows=True),
    State(
        "cli/pages/replay.py: replay abort □ □ --why TEXT", begin_replay, "replay show events 1", shows=True
    ),
    State(
        "publish/replay_checks.py: replay show □ □",
        begin_replay,
        "replay rollback events 1 --why w",
        shows=True,
    ),
]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The lake of the tests' project, on a local disk; Kafka answers as the state has it, Flink is idle."""
    warehouse = f"file://{tmp_path}/lake"
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECT))
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", warehouse)
    for secret in ("ACCESS_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"HEADRACE__STORE__{secret}", "env:HOME")
    look_in(str(PROJECT))
    return Lake(connect(Store(warehouse=warehouse)), load_contract("events"))


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_remedy_helps_in_the_state_that_produced_it(
    state: State, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(capsys, Workspace(settings.load(), cluster=FakeCluster(), kafka=lake.kafka))
    state.prepare(lake)
    code, output = terminal.type(state.line)
    assert code or state.shows, f"{state.line} is not refused"
    command = named_in(output, state.remedy.partition(": ")[2])

    helped, complaint = terminal.type(command)

    assert helped == 0, complaint
    if not state.shows:
        refusal = output.partition("→")[0].strip()
        assert refusal not in terminal.type(state.line)[1]


def test_each_remedy_is_run_or_has_a_reason_why_not() -> None:
    followed = {r for tests in TESTS.rglob("test_*.py") for r in followed_in(tests)}
    run = RUN | followed | {state.remedy for state in STATES}
    named = {key(n) for n in mentioned_commands()}
    assert run | set(NOT_RUN) == named, "a new remedy is run in its state, or has a reason in NOT_RUN"
    assert not run & set(NOT_RUN)
