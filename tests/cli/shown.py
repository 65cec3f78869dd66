"""What each command shows, as values: no stack, no clock, nothing that changes by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

from rich.console import RenderableType

from headrace.cli.pages import anchor as anchor_page
from headrace.cli.pages import check as check_page
from headrace.cli.pages import derived_proof, topic_proof
from headrace.cli.pages import patch as patch_page
from headrace.cli.pages import plan as plan_page
from headrace.cli.pages import publish as publish_page
from headrace.cli.pages import quarantine as quarantine_page
from headrace.cli.pages import replay as replay_page
from headrace.cli.pages import stack as stack_page
from headrace.cli.pages import topic as topic_page
from headrace.cli.pages.diff import diff_tables
from headrace.cli.pages.query import rows_table
from headrace.cluster.kafka import TopicInfo
from headrace.errors import ClusterError, ContractError, DecisionNeeded, HeadraceError
from headrace.job.assemble import load_program
from headrace.job.state.gate import StateVerdict
from headrace.ledger.head import Head
from headrace.ledger.records import Anchor, ForkPoint, Patch, Refusal, Replay, Size
from headrace.operate.check import CheckedFile
from headrace.operate.parts.patch_report import ListedPatch, PatchReport
from headrace.operate.parts.table_fit import TableFit
from headrace.operate.plan import JobPlan
from headrace.operate.publish import Publication
from headrace.operate.replay_plan import ListedReplay, ReplayReport
from headrace.publish import refusals
from headrace.publish.publisher import Published
from headrace.read.quarantine import QuarantinedRecord, ReasonCount
from headrace.replay.compare import Diff, Sample
from headrace.stack.local import ProcessStatus
from headrace.verify.conserved import Conservation, Cut
from headrace.verify.findings import Finding, PartitionProof, Verification
from headrace.verify.marks import Range
from tests.cli import shown_branches, shown_status
from tests.cli.shown_branches import AT, FORKED, MANIFEST, SUBMISSION, TIME

SAVEPOINT = f"s3://lake/_flink/flights/{SUBMISSION}/savepoint-1a2b3c-0123456789ab"


def _reason(reason: str, field: str | None, rule: str | None, count: int, discarded: int = 0) -> ReasonCount:
    return ReasonCount(reason, field, rule, count, discarded, TIME, TIME, f"2:{count + 112_000}")


def _reasons(discarded: int = 0) -> list[ReasonCount]:
    return [
        _reason("wrong_type", "scheduled_departure", None, 1_204),
        _reason("rule", None, "arrival_is_after_departure", 17, discarded),
        _reason("pattern_mismatch", "tailnum", None, 8),
        _reason("malformed_json", None, None, 1),
    ]


def _refused() -> list[QuarantinedRecord]:
    return [
        QuarantinedRecord(
            "0:84213",
            TIME,
            "wrong_type",
            "distance",
            None,
            "1.0.0",
            b'{"flight_id": "UA1545", "distance": "9"}',
        ),
        QuarantinedRecord("1:17", TIME, "null_payload", None, None, "1.0.0", None),
        QuarantinedRecord("2:9", TIME, "not_utf8", None, None, "1.0.0", b"\xff\xfe" * 6),
    ]


def _partition(number: int, beyond: int = 0) -> PartitionProof:
    return PartitionProof(
        number, beyond, 112_467, 0, 112_467, 112_467 - beyond, 112_259 - beyond, 208, beyond, 0
    )


def _verified(findings: tuple[Finding, ...] = (), beyond: int = 0) -> RenderableType:
    proofs = tuple(_partition(n, beyond) for n in range(3))
    versions = {"flights__quarantine": 12, "flights": 12}
    verification = Verification("flights", "flights", 12, versions, proofs, findings, ())
    return topic_proof.proof(verification, "flights")


def _conserved() -> RenderableType:
    cut = Cut(4, f"s3://lake/_flink/departures_hourly/{SUBMISSION}/chk-17", {0: 0}, {0: 112_259}, {})
    versions = {"flights": 12, "departures_hourly": 4, "departures_hourly__late": 4}
    conservation = Conservation(
        "departures_hourly",
        "flights",
        cut,
        versions,
        1_385_000_000_000,
        336_776,
        41,
        336_700,
        {"departures_hourly": 336_700},
        0,
        35,
        (),
    )
    return derived_proof.proof(conservation, "departures_hourly")


def _anchor(number: int, why: str) -> Anchor:
    return Anchor(
        number=number,
        path=SAVEPOINT,
        adopted=False,
        at=AT,
        by="ana",
        why=why,
        checkpoint=12,
        submission=SUBMISSION,
        claim=3,
        manifests={"flights": MANIFEST, "flights__quarantine": MANIFEST},
        positions={"flights": {0: 112_259, 1: 112_258, 2: 112_467}},
        watermarks={},
        batch=12,
        versions={"flights": 12, "flights__quarantine": 12},
        contract_version="1.0.0",
        plan="9c2ab1d477885f3e",
        flink="2.3.0",
    )


def _replay(number: int) -> Replay:
    replaces = {
        "flights": Size(files=412, rows=112_004, bytes=8_123_456),
        "flights__quarantine": Size(files=9, rows=208, bytes=40_123),
    }
    return Replay(
        number=number,
        origin="anchor 1",
        why="distance 0 was refused since yesterday",
        by="ana",
        at=AT,
        fork=ForkPoint(batch=9, manifests={"flights": FORKED}),
        savepoint=SAVEPOINT,
        anchor=1,
        frontier={0: 84_000, 1: 83_998, 2: 84_210},
        positions={},
        replaces=replaces,
        records=112_212,
        contract_version="1.1.0",
        program="",
        stale=("departures_hourly", "flights_enriched"),
        rate=24_000,
    )


def _patch(number: int) -> Patch:
    why = "0 is allowed since the contract's version 1.1.0"
    return Patch(
        number=number,
        kind="redrive",
        origin="rule distance_is_positive",
        why=why,
        by="ana",
        at=AT,
        contract_version="1.1.0",
        program="",
        records=17,
    )


def _patch_page() -> RenderableType:
    wrong = Refusal(reason="wrong_type", field="scheduled_departure", rule=None, count=4, example="0:84213")
    rule = Refusal(reason="rule", field=None, rule="arrival_is_after_departure", count=1, example="1:17")
    return patch_page.page(
        PatchReport(
            "flights",
            "flights",
            _patch(3),
            "judged",
            rows={"flights": 12},
            refused=(wrong, rule),
            stale={"departures_hourly": "headrace replay plan departures_hourly --from 2 --why TEXT"},
        )
    )


def _diff() -> RenderableType:
    row = {
        "flight_id": "UA1545-2013-01-01",
        "scheduled_departure": datetime(2013, 1, 1, 10, 15, tzinfo=timezone.utc),
        "carrier": "UA",
        "tailnum": "N14228",
        "origin": "EWR",
        "dest": "IAH",
        "dep_delay": None,
        "arr_delay": 11,
        "fare": Decimal("120.50"),
        "distance": 0,
        "cancelled": False,
    }
    samples = [
        Sample("0:84213", "flights__quarantine", "flights", {c: (None, v) for c, v in row.items()}),
        Sample("1:17", "flights", "flights", {"distance": (1_400, 1_416), "tailnum": ("N14228", None)}),
    ]
    counts = {"compared": 112_467, "changed": 1, "moved": 12, "gone": 0, "come": 0}
    moved, changed = {"flights__quarantine → flights": 12}, {"flights": {"distance": 1, "tailnum": 1}}
    return diff_tables(Diff(337_401, 337_388, moved, changed, {}, {}, {"0": counts, "1": counts}, samples))


def _queried() -> RenderableType:
    columns = ("carrier", "flights", "delay", "fare", "first", "cancelled")
    rows = [
        ("UA", 58_665, 12.106, Decimal("120.50"), TIME, False),
        ("F9", 685, 20.2, Decimal("-3.00"), None, None),
        ("YV", None, 18.996, None, TIME, True),
    ]
    return rows_table(columns, rows)


def _wide() -> RenderableType:
    return rows_table([f"column_{n}" for n in range(12)], [[f"value {n}" for n in range(12)], [None] * 12])


def _processes() -> RenderableType:
    names = {"kafka": 9092, "store": 8333, "jobmanager": 8081, "taskmanager-1": None}
    return stack_page.table(
        ProcessStatus(name, 4_000_000 if port else None, bool(port), port, Path(f"{name}.log"))
        for name, port in names.items()
    )


def _checked() -> RenderableType:
    wrong = ContractError(
        "the pattern is not closed", where="contracts/planes.odcs.yaml:41", remedy="write the missing bracket"
    )
    return check_page.table(
        [
            CheckedFile("contract", "flights", "1.0.0, 21 columns, 7 rules"),
            CheckedFile("contract", "planes", errors=(wrong,)),
            CheckedFile(
                "job", "departures_hourly", "Derive of flights", warnings=("udfs.tails: SQL does this",)
            ),
        ]
    )


WAS = "GroupWindowAggregate(groupBy=[dest], window=[TumblingGroupWindow('w$, _event_time)])"


def _fates() -> RenderableType:
    description = (
        "GroupWindowAggregate(groupBy=[origin], window=[TumblingGroupWindow('w$, _event_time, 3600000)])"
    )
    what = "one more column is counted: results mix both meanings until the old windows have gone"
    return plan_page.state_table(
        [
            StateVerdict(
                4, "kept", "OverAggregate", "OverAggregate(partitionBy=[_partition])", "", "", "a", "a"
            ),
            StateVerdict(8, "changed", "GroupWindowAggregate", description, WAS, what, "a", "b"),
        ]
    )


def _alike() -> RenderableType:
    """Two aggregates that begin alike, and one that was edited."""
    kind = "GroupWindowAggregate"
    begins = f"{kind}(groupBy=[origin, dest], window=[TumblingGroupWindow('w$, _event_time, "
    counted, summed = f"{begins}3600000)], select=[COUNT(*)])", f"{begins}3600000)], select=[SUM(a)])"
    was = f"{begins}60000)], select=[SUM(a)])"
    kept = StateVerdict(4, "kept", kind, counted, "", "", "a", "a")
    return plan_page.state_table(
        [kept, StateVerdict(8, "changed", kind, summed, was, "its window changed", "a", "b")]
    )


def _topic() -> RenderableType:
    held = TopicInfo("flights", "mR3d_5QTQ0yN", {0: 0, 1: 1_200, 9: 0}, {0: 112_467, 1: 112_466, 9: 8})
    return topic_page.page(held)


UNREACHED = TableFit("s3://lake", unreached="the object store does not answer: the connection is refused")

SCREENS: dict[str, Callable[[], RenderableType | HeadraceError]] = {
    **shown_branches.SCREENS,
    **shown_status.SCREENS,
    "check": _checked,
    "plan without a lock": lambda: plan_page.page(
        JobPlan(load_program("flights"), None, (), TableFit("s3://lake"), ())
    ),
    "plan of a derive job": lambda: plan_page.page(
        JobPlan(load_program("flights_enriched"), None, (), UNREACHED, ())
    ),
    "plan, settings": lambda: plan_page.settings_table(load_program("flights")),
    "plan, what becomes of state": _fates,
    "plan, operators that begin alike": _alike,
    "publish": lambda: publish_page.publish_sentence(
        Publication("flights", Published(Head(batch=13, rows={"flights": 336_776}), 1, {"flights": 1_200}))
    ),
    "publish, one row": lambda: publish_page.publish_sentence(
        Publication("flights", Published(Head(batch=14, rows={"flights": 336_777}), 1, {"flights": 1}))
    ),
    "publish, nothing yet": lambda: publish_page.publish_sentence(
        Publication("flights", Published(Head(), 0, {}))
    ),
    "publish, waiting": lambda: publish_page.publish_sentence(
        Publication("flights", Published(Head(), 0, {}, waiting_for=1))
    ),
    "quarantine ls": lambda: quarantine_page.table(_reasons()),
    "quarantine ls, some discarded": lambda: quarantine_page.table(_reasons(5)),
    "quarantine show": lambda: quarantine_page.page(_refused(), 400),
    "verify": _verified,
    "verify, not proved": lambda: _verified((Finding("missing", 1, "", (Range(17, 19),)),), beyond=1_200),
    "verify of a derived table": _conserved,
    "anchor ls": lambda: anchor_page.table(
        [_anchor(2, "before the new rule of the partner's file"), _anchor(1, "")]
    ),
    "anchor show": lambda: anchor_page.page(_anchor(2, "before the new rule")),
    "replay ls": lambda: replay_page.table(
        [ListedReplay(_replay(2), "begun"), ListedReplay(_replay(1), "published")]
    ),
    "replay show, not measured": lambda: replay_page.page(
        ReplayReport("flights", _replay(2).model_copy(update={"rate": 0}), "planned")
    ),
    "replay show": lambda: replay_page.page(ReplayReport("flights", _replay(2), "begun", ("redrive 3",))),
    "patch ls": lambda: patch_page.table(
        [ListedPatch(_patch(3), "judged"), ListedPatch(_patch(2), "rolled back")]
    ),
    "patch show": _patch_page,
    "patch diff": _diff,
    "query": _queried,
    "query, too wide": _wide,
    "stack status": _processes,
    "topic show": _topic,
    "error, another topic": lambda: refusals.other_topic(
        "flights", [shown_status.RECREATED], shown_status.STAGED
    ),
    "error": lambda: ClusterError(
        "Kafka does not answer: the connection is refused",
        where="127.0.0.1:9092",
        remedy="`headrace stack status` shows what runs here, `headrace stack up` starts it; for another"
        " cluster see kafka.bootstrap in deploy/env",
    ),
    "error, a decision": lambda: DecisionNeeded(
        f"claim 2 forked from manifest {FORKED}: publishing it would repeat 1,204 rows",
        where="job flights, batch 12",
        remedy="headrace branch set-aside flights 2 --why TEXT",
    ),
}
"""Each screen by its name, which is that of its file in ``screens/``."""
