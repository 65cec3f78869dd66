"""Remedies about replays and patches: forks and bounded jobs beside the live job."""

from __future__ import annotations

from headrace.job.submission import of_replay
from headrace.ledger import replays
from headrace.publish.replace import Replacer
from tests.cli.events_reader import Reader
from tests.cli.pipeline import Pipeline
from tests.cli.situations import Situation
from tests.cli.situations_of_flink import FAILURE, slots_come, well_again
from tests.publish.sealed_lake import Killed


def request_bounded_replay(p: Pipeline) -> None:
    """A replay with an end is recorded but not judged."""
    p.filled()
    p.do("replay plan events --from-offsets 0:10 --to-offsets 0:20 --why w")


def judging_failed(p: Pipeline) -> None:
    """The bounded job of a replay with an end fails."""
    request_bounded_replay(p)
    p.cluster.then = lambda job: p.cluster.fail(job, FAILURE, for_good=True)


def held(p: Pipeline) -> None:
    p.filled()
    p.do("quarantine redrive events --at 0:26 --why w --hold")


def backfilled(p: Pipeline, *more: str) -> None:
    p.filled()
    file = p.folder / "late.jsonl"
    file.write_text('{"id": 1}\n{"id": 2}\n')
    p.filled_in["FILE"] = str(file)
    p.do(" ".join(["backfill events", str(file), "--why w", *more]))


def backfill_held(p: Pipeline) -> None:
    backfilled(p, "--hold")


def planned(p: Pipeline) -> None:
    """A replay from offset 10, of the 30 that are published."""
    p.filled()
    p.do(f"anchor adopt events {p.early} --why w")
    p.do("replay plan events --from 1 --why w")


def caught_up(p: Pipeline) -> None:
    planned(p)
    p.do("replay run events 1")


def redriven_before(p: Pipeline) -> None:
    """A replay that judges redriven records again has caught up."""
    p.filled()
    p.do("quarantine redrive events --at 0:26 --why w")
    p.do(f"anchor adopt events {p.early} --why w")
    p.do("replay plan events --from 1 --why w")
    p.do("replay run events 1")


def swapped_by_half(p: Pipeline) -> None:
    """The publisher of a replay died after its batch was decided, and no job runs."""
    caught_up(p)

    def die(step: str) -> None:
        if step == "commit events":
            raise Killed

    dying = Replacer(p.workspace.job("events").tables)
    dying.tables.step = die
    planned_ = replays.one(p.lake.ledger, 1)
    try:
        dying.replace(1, planned_.fork)
    except Killed:
        for job in p.readers:
            p.cluster.cancel(job)


def edited_since(p: Pipeline) -> None:
    """A replay was planned, and the job was edited since."""
    planned(p)
    planned_ = replays.one(p.lake.ledger, 1)
    replays.record_replay(p.lake.ledger, planned_.model_copy(update={"program": "another"}))


def of_another_topic_by_now(p: Pipeline) -> None:
    caught_up(p)
    p.topic.recreate()


def fork_with_a_hole(p: Pipeline) -> None:
    """The fork skipped two records after its start."""
    fork = start_fork(p)
    fork.at = 12
    fork.checkpoint()


def fork_failed(p: Pipeline) -> None:
    """The fork ended before its first checkpoint."""
    planned(p)
    p.cluster.then = lambda job: (p.then(job), p.cluster.fail(job, FAILURE, for_good=True))


def fork_slow(p: Pipeline) -> None:
    planned(p)
    p.cluster.slots_in_all = 1  # which the live job holds


def fork_behind(p: Pipeline) -> None:
    """The fork has sealed, but less than the branch."""
    start_fork(p).checkpoint(15)


def start_fork(p: Pipeline) -> Reader:
    """The fork runs, but has not completed a checkpoint yet."""
    planned(p)
    p.cluster.submit(of_replay("events", 1))
    fork = p.readers[p.newest]
    assert isinstance(fork, Reader)
    return fork


def abort_replay(p: Pipeline) -> None:
    planned(p)
    p.do("replay abort events 1 --why w")


SITUATIONS = [
    Situation(("cli/pages/status.py: publish □",), swapped_by_half, "status events", message="is decided"),
    Situation(
        ("operate/replay_run.py: replay run □ □",), fork_failed, "replay run events 1", meanwhile=well_again
    ),
    Situation(
        ("operate/replay_run.py: replay run □ □",),
        fork_slow,
        "replay run events 1 --timeout 0",
        meanwhile=slots_come,
    ),
    Situation(("operate/replay_swap.py: replay run □ □",), fork_behind, "replay publish events 1 --within 0"),
    Situation(("operate/replay_swap.py: replay run □ □",), start_fork, "replay publish events 1"),
    Situation(("replay/diff.py: replay run □ □",), start_fork, "replay diff events 1"),
    Situation(("cli/pages/patch.py: patch diff □ □",), held, "patch show events 1", shows=True),
    Situation(
        ("cli/pages/patch.py: patch judge □ □",),
        request_bounded_replay,
        "patch show events 1",
        message="headrace patch judge events 1",
    ),
    Situation(("cli/pages/replay.py: replay publish □ □",), caught_up, "replay show events 1", shows=True),
    Situation(("operate/replay_swap.py: replay run □ □",), planned, "replay publish events 1"),
    Situation(("cli/pages/replay.py: replay diff □ □",), caught_up, "replay show events 1", shows=True),
    Situation(("replay/backfill.py: patch □ □ □",), backfilled, "backfill events {FILE} --why w", shows=True),
    Situation(
        ("replay/backfill.py: patch □ □ □",), backfill_held, "backfill events {FILE} --why w", shows=True
    ),
    Situation(("replay/diff.py: patch judge □ □",), request_bounded_replay, "patch diff events 1"),
    Situation(("replay/diff.py: replay run □ □",), planned, "replay diff events 1"),
    Situation(("cli/pages/status.py: replay show □ □",), planned, "status events", shows=True),
    Situation(
        ("cli/pages/replay.py: patch show □ □",), redriven_before, "replay publish events 1", shows=True
    ),
    Situation(("job/start/begin.py: publish □",), swapped_by_half, "run events"),
    Situation(
        ("job/start/begin.py: replay abort □ □ --why TEXT",), edited_since, "replay run events 2", shows=True
    ),
    Situation(
        ("publish/replay_checks.py: replay abort □ □ --why TEXT",),
        of_another_topic_by_now,
        "replay publish events 1",
        shows=True,
    ),
    Situation(
        ("publish/replay_checks.py: replay ls □",), fork_with_a_hole, "replay publish events 1", shows=True
    ),
    Situation(("replay/diff.py: replay show □ □",), abort_replay, "replay diff events 1", shows=True),
    Situation(("cli/pages/replay.py: replay run □ □",), planned, "replay show events 1", shows=True),
    Situation(
        ("operate/replay_run.py: replay abort □ □ --why TEXT",),
        fork_slow,
        "replay run events 1 --timeout 0",
        shows=True,
    ),
    Situation(
        ("operate/parts/judge.py: patch judge □ □",),
        judging_failed,
        "patch judge events 1",
        shows=True,
        meanwhile=well_again,
    ),
    Situation(
        ("cli/pages/quarantine.py: quarantine discard □ --undo □ --why TEXT",),
        Pipeline.filled,
        "quarantine discard events --at 0:26 --why w",
        shows=True,
    ),
]
