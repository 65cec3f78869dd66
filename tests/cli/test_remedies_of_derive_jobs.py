"""A derive job's tables cannot be proved, or its results must be recomputed: the named remedy helps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from headrace.ledger import patches
from headrace.ledger.records import DONE
from tests.cli.remedies import Terminal
from tests.publish.sealed_derived import JOB, Derived
from tests.publish.sealed_lake import Lake, publish_two_batches
from tests.stack.waiting import until


@pytest.fixture
def derived(sealed: Lake) -> Derived:
    """Of the events, 25 are published as good; Kafka still has them all."""
    publish_two_batches(sealed)
    return Derived(sealed)


def goes_on(job: Derived) -> None:
    job.seal(25)
    job.checkpoint(30)


def test_publish_helps_when_nothing_is_published(derived: Derived, terminal: Terminal) -> None:
    goes_on(derived)
    output = terminal.refused(f"verify {JOB}")
    assert "nothing was published yet" in output

    terminal.follow(output, "operate/parts/cut.py: publish □")

    assert terminal.type(f"verify {JOB}")[0] == 0


def test_publish_helps_after_an_older_headrace_took_the_checkpoint(
    derived: Derived, terminal: Terminal
) -> None:
    derived.seal(20)
    derived.checkpoint(20, watermark=False)
    assert terminal.type(f"publish {JOB}")[0] == 0
    output = terminal.refused(f"verify {JOB}")
    assert "an older version of headrace took it" in output

    goes_on(derived)  # the job, which was stopped and started again
    terminal.follow(output, "operate/parts/cut.py: publish □")

    assert terminal.type(f"verify {JOB}")[0] == 0


def test_publishing_the_ingest_job_helps_when_the_derive_job_is_ahead(
    derived: Derived, terminal: Terminal
) -> None:
    derived.lake.seal(1, range(30, 35))
    derived.seal(30)
    derived.checkpoint(35)
    assert terminal.type(f"publish {JOB}")[0] == 0
    output = terminal.refused(f"verify {JOB}")
    assert "the job has read further than table events is published" in output

    terminal.follow(output, "operate/parts/cut.py: publish □")

    assert terminal.type(f"verify {JOB}")[0] == 0


@pytest.fixture
def forgotten(derived: Derived, terminal: Terminal) -> str:
    """No checkpoint of a published batch is kept; returns the output of `verify`."""
    derived.seal(20)
    retired = derived.checkpoint(20)
    assert terminal.type(f"publish {JOB}")[0] == 0
    derived.forget(retired)
    output = terminal.refused(f"verify {JOB}")
    assert "no checkpoint of a published batch is kept any more" in output
    return output


def test_publish_helps_when_no_checkpoint_of_a_batch_is_kept(
    derived: Derived, forgotten: str, terminal: Terminal
) -> None:
    goes_on(derived)  # with the savepoint that it is stopped with
    terminal.follow(forgotten, "operate/parts/cut.py: publish □")

    assert terminal.type(f"verify {JOB}")[0] == 0


@pytest.fixture
def interrupt() -> Callable[[Callable[[], object]], threading.Thread]:
    """Press Ctrl-C in this process, once a condition holds."""

    def press(condition: Callable[[], object]) -> threading.Thread:
        def wait() -> None:
            try:
                until("what is waited for", condition, 20)
            finally:
                os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=wait)
        thread.start()
        return thread

    return press


def test_following_helps_when_no_checkpoint_of_a_batch_is_kept(
    derived: Derived,
    forgotten: str,
    terminal: Terminal,
    interrupt: Callable[[Callable[[], object]], threading.Thread],
) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    goes_on(derived)
    pressed = interrupt(lambda: derived.ledger.newest(DONE) == 2)
    try:
        terminal.follow(forgotten, "operate/parts/cut.py: publish □ --follow")
    finally:
        pressed.join()
        for number, handler in handlers.items():
            signal.signal(number, handler)

    assert terminal.type(f"verify {JOB}")[0] == 0


@pytest.fixture
def anchored(derived: Derived, terminal: Terminal) -> Derived:
    """Two anchors: at offset 10, and at 30."""
    derived.seal(10)
    derived.anchor(10)
    derived.seal(25)
    derived.anchor(30)
    derived.checkpoint(30)
    assert terminal.type(f"publish {JOB}")[0] == 0
    return derived


def numbers(listed: str) -> list[int]:
    """Of the anchors that `anchor ls` lists."""
    return [int(line.split()[0]) for line in listed.splitlines()[1:]]


@pytest.mark.parametrize(
    ("begins", "number"),
    [("--from-offsets 0:10", 1), ("--from-offsets 0:40", 2), ("--from-time 2999-01-01T00:00", 2)],
)
@pytest.mark.usefixtures("anchored")
def test_a_replay_of_a_job_with_state_begins_at_the_newest_anchor_before(
    begins: str, number: int, terminal: Terminal
) -> None:
    output = terminal.refused(f"replay plan {JOB} {begins} --why w")
    assert f"--from {number} --why" in output

    answer = terminal.follow(output, "ledger/anchors.py: replay plan □ --from □ --why TEXT")

    assert f"anchor {number}" in answer


@pytest.mark.parametrize("begins", ["--from-offsets 0:9", "--from-time 2000-01-01T00:00"])
@pytest.mark.usefixtures("anchored")
def test_where_no_anchor_is_early_enough_they_are_listed(begins: str, terminal: Terminal) -> None:
    output = terminal.refused(f"replay plan {JOB} {begins} --why w")
    assert "no anchor is early enough" in output

    answer = terminal.follow(output, "ledger/anchors.py: anchor ls □")

    assert numbers(answer) == [2, 1]


@pytest.mark.usefixtures("anchored")
def test_rows_of_a_derived_table_cannot_be_patched(terminal: Terminal) -> None:
    output = terminal.refused(f"patch ls {JOB}")
    assert "not records that could be judged again" in output

    answer = terminal.follow(output, "operate/workspace.py: anchor ls □")

    assert numbers(answer) == [2, 1]


def test_a_derived_table_is_stale_after_a_patch(anchored: Derived, terminal: Terminal) -> None:
    lake = anchored.lake
    lake.patcher().publish(lake.judge(patches.REDRIVE, good=range(26, 28)))
    code, output = terminal.type("patch show events 1")
    assert (code, "computed without this" in output) == (0, True)

    answer = terminal.follow(output, "ledger/anchors.py: replay plan □ --from □ --why TEXT")

    assert "anchor 1" in answer


def test_rows_that_do_not_add_up_are_recomputed_from_an_anchor(anchored: Derived, terminal: Terminal) -> None:
    anchored.seal(24)
    anchored.checkpoint(30)
    assert terminal.type(f"publish {JOB}")[0] == 0
    output = terminal.refused(f"verify {JOB}")
    assert "1 missing" in output

    answer = terminal.follow(output, "cli/pages/derived_proof.py: anchor ls □")

    assert numbers(answer) == [2, 1]
