"""A job compared with its topic: what `headrace status` shows of lag, losses and staged files."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.cluster.kafka import Lag
from headrace.offsets import Span, span_list
from headrace.operate.status import Status
from headrace.publish.refusals import deleted
from headrace.text import counted


def staged_sentence(s: Status) -> str:
    """What is staged, and whether publish takes it: rows of a topic that changed need a decision first."""
    if not s.unpublished_files:
        return "nothing unpublished"
    files = counted(s.unpublished_files, "file")
    if s.foreseen.stops:
        return f"{files}, which publish currently does not take: see to decide"
    if not _in_the_way(s):
        return f"{files} that `headrace publish {s.job}` takes{_unless_invalid(s)}"
    if s.accepted_tails:
        return f"{files}; publish takes those of the accepted tails, and currently no others: see topic"
    return f"{files}, which publish currently does not take: see topic"


def foreseen_facts(s: Status) -> dict[str, str]:
    """What publish stops on, now or later, and what an operator can do about it."""
    stops = [f"{e.what}. {_sentence(e.remedy)}" for e in s.foreseen.stops]
    return {
        **({"to decide": "\n".join(stops)} if stops else {}),
        **({"deleted by Kafka": _deleted(s, s.foreseen.deleted)} if s.foreseen.deleted else {}),
    }


def progress_facts(s: Status) -> dict[str, str]:
    """How far an ingest job has come in its topic; a derive job's rows have no place in one."""
    frontier = " ".join(f"{p}:{o:,}" for p, o in sorted(s.head.frontier.items()))
    return {
        **({"published up to": f"offset, by partition: {frontier}"} if frontier else {}),
        "behind the topic": _behind(s.lag) if s.lag.offsets else "—",
    }


def changed_topic_facts(s: Status) -> dict[str, str]:
    """Topics that have changed since the job read them."""
    if not s.topics_changed:
        return {}
    changes = "; ".join(map(str, s.topics_changed))
    return {"topic": f"{changes}. `headrace publish {s.job}` names what is staged, and what can be done"}


def _unless_invalid(s: Status) -> str:
    """The reservation that status must make if it did not read the files."""
    return ", if they are valid: there are too many to be read here" if s.foreseen.unread else ""


def _deleted(s: Status, lost: Sequence[Span]) -> str:
    """Offsets that are gone from the topic and not published: what happens to them, and the remedy."""
    if s.foreseen.unread:
        return (
            f"{span_list(lost)}. Not published: the {counted(s.foreseen.unread, 'staged file')} hold them, or"
            f" they are lost; `headrace publish {s.job}` reports which"
        )
    running = ", unless the job has read them since its last checkpoint" if s.flink_jobs else ""
    refusal = deleted(s.job, "", lost)
    return (
        f"{span_list(lost)}. Neither published nor staged{running}: `headrace publish {s.job}` stops once"
        f" the job has read past them. {_sentence(refusal.remedy)}"
    )


def _sentence(remedy: str) -> str:
    return remedy[:1].upper() + remedy[1:]


def _in_the_way(s: Status) -> bool:
    """Whether a topic is another one, or lost published offsets that no operator has accepted."""
    lost = [span for change in s.topics_changed for span in change.lost]
    return any(change.other for change in s.topics_changed) or not all(
        any(a.covers(span) for a in s.accepted_losses) for span in lost
    )


def _behind(lag: Lag) -> str:
    """How much of the topic is not published; there are more offsets than records."""
    offsets, records = sum(lag.offsets.values()), lag.records
    if records is None:
        return f"at most {counted(offsets, 'record')} (offsets: the end of a transaction takes one too)"
    more = f", in {counted(offsets, 'offset')}: not every offset holds one" if records != offsets else ""
    return f"{counted(records, 'record')}{more}"
