"""The state of a job on a terminal."""

from __future__ import annotations

from rich.text import Text

from headrace.cli.layout import facts, moment
from headrace.cli.pages import standing
from headrace.cli.pages.branch import STATES, fork_points
from headrace.ledger.survey import ClaimState, ClaimStatus
from headrace.operate.status import EventTime, FlinkJobStatus, Status
from headrace.text import counted


def page(s: Status) -> Text:
    """Everything that is worth a line."""
    running = "\n".join(flink_job(j) for j in s.flink_jobs)
    forks = "\n".join(_fork(s.job, b) for b in s.forks)
    lines = {
        f"job {s.job}": running or (s.flink_error.what if s.flink_error else "does not run"),
        "published": _published(s),
        **({} if s.derived else standing.progress_facts(s)),
        **standing.changed_topic_facts(s),
        **standing.foreseen_facts(s),
        "staged": standing.staged_sentence(s),
        "followed": _followed(s),
        **({"forks": forks} if forks else {}),
        **_pending(s),
    }
    return facts(lines, 20)


def flink_job(j: FlinkJobStatus) -> str:
    """One Flink job, in a few lines."""
    restarts = counted(j.restarts, "restart")
    last = moment(j.last_checkpoint, "none yet")
    lines = [f"{j.state} since {moment(j.since)}, {restarts}, last checkpoint {last}"]
    if j.failure:
        lines.append(j.failure)
    if not j.metrics_of_now:
        lines.append("its workers do not answer: these are the last known values")
    if j.event_time:
        lines += _event_time(j.event_time, j.state_bytes)
    return "\n".join(lines)


def _event_time(at: EventTime, state_bytes: int | None) -> list[str]:
    unread = "not known yet" if at.unread is None else f"{at.unread:,}"
    size = "unknown" if state_bytes is None else f"{state_bytes / 1e6:,.1f} MB"
    lines = [f"event time {moment(at.watermark, 'none yet')}, offsets unread: {unread}, state: {size}"]
    if held := [p for p in at.partitions if not p.idle]:
        lines.append(f"held back by {held[0].name}: {moment(held[0].watermark, 'nothing read yet')}")
    if idle := [p.name for p in at.partitions if p.idle]:
        lines.append(f"idle, and not waited for: {', '.join(idle)}")
    if ahead := [p.name for p in at.partitions if p.paused]:
        lines.append(f"paused, too far ahead: {', '.join(ahead)}")
    return lines


def _pending(s: Status) -> dict[str, str]:
    """What was decided or begun, and is not finished."""
    lines = {}
    if s.open_batch:
        lines["unfinished"] = f"batch {s.open_batch} is decided: `headrace publish {s.job}` finishes it"
    if s.replays:
        lines["replays"] = "; ".join(
            f"{n} ({state}): `headrace replay show {s.job} {n}`" for n, state in s.replays.items()
        )
    if s.restart_due:
        lines["restart"] = "the next start continues from what is published, as an operator decided"
    if s.accepted_losses:
        lines["accepted losses"] = " ".join(map(str, s.accepted_losses))
    if s.accepted_tails:
        lines["accepted tails"] = "up to checkpoint " + ", ".join(map(str, s.accepted_tails))
    return lines


def _fork(job: str, fork: ClaimStatus) -> str:
    claim = fork.claim.number
    sealed = f", checkpoints {fork.checkpoints[0]}-{fork.checkpoints[1]}" if fork.checkpoints else ""
    return f"claim {claim} at {fork_points(fork)}{sealed}: `headrace branch show {job} {claim}`"


def _followed(s: Status) -> str:
    """Which start of the job publish follows, in words that a first-time user understands."""
    if s.followed:
        claim = s.followed.claim.number
        return f"start {claim} of the job, its claim {claim}: {_state(s, s.followed.state)}"
    if s.set_aside:
        return f"nothing: {', '.join(f'claim {n} is set aside' for n in s.set_aside)}"
    return "nothing: the job was never started"


def _state(s: Status, state: ClaimState) -> str:
    """What the state of the followed claim means here; the line above shows what happens to its files."""
    if state != "ahead":
        return STATES[state]
    more = "and has staged more" if s.unpublished_files else "with checkpoints since then that have no rows"
    return f"continues from what is published, {more}"


def _published(s: Status) -> str:
    head = s.head
    if not head.batch:
        return "nothing yet"
    rows = [_rows(table, head.rows[table], head.written.get(table)) for table in head.versions]
    return "\n".join([f"batch {head.batch}", *rows])


def _rows(table: str, held: int, written: int | None) -> str:
    """What a table holds; and how many rows were written, if some have replaced others."""
    more = "" if written in (None, held) else f" ({written:,} written)"
    return f"{counted(held, 'row')} in {table}{more}"
