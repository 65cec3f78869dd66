"""What a start refuses to be told, before anything runs: no JVM is needed to say no."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.contract.load import load
from headrace.delta.commit import schema
from headrace.errors import JobError, LedgerError
from headrace.job.assemble import assemble
from headrace.job.declaration import Ingest
from headrace.job.environment import Environment
from headrace.job.ingest import IngestProgram
from headrace.job.job_file import load_job
from headrace.job.start.options import refuse_overrides, refuse_own, startup
from headrace.job.start.submit import execute_job
from headrace.ledger.records import DONE
from headrace.settings import Settings, Store
from tests.ledger.sample_records import done
from tests.publish.sealed_lake import topics
from tests.stack.submitting import look_in

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "tests/stack/project"
CONTRACT = load(ROOT / "contracts" / "flights.odcs.yaml")
PROGRAM = IngestProgram(Ingest("flights"), CONTRACT, (CONTRACT,))
FORBIDDEN = {
    "execution.checkpointing.unaligned.enabled": "true",
    "execution.checkpointing.mode": "AT_LEAST_ONCE",
    "execution.runtime-mode": "BATCH",
}
HARMLESS = {
    "execution.checkpointing.unaligned.enabled": "false",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "execution.runtime-mode": "STREAMING",
}
FREE = ("execution.checkpointing.interval", "execution.checkpointing.timeout")
OWN = {d.key: d.why for d in PROGRAM.settings if d.key not in FREE}


@pytest.mark.parametrize("spelt", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("option", FORBIDDEN)
def test_what_would_break_the_chain_is_refused_however_it_is_spelt(
    option: str, spelt: Callable[[str], str]
) -> None:
    value = FORBIDDEN[option]

    with pytest.raises(JobError) as refused:
        refuse_overrides("flights", HARMLESS | {option: spelt(value)})

    assert refused.value.what == f"{option}={value} would let a manifest be sealed without all its files"
    assert refused.value.where == "job flights"
    assert "command line" in refused.value.remedy


@pytest.mark.parametrize("given", [{}, dict.fromkeys(FORBIDDEN, ""), HARMLESS])
def test_what_keeps_the_chain_passes(given: dict[str, str]) -> None:
    refuse_overrides("flights", given)


@pytest.mark.parametrize("option", OWN)
def test_an_environment_cannot_take_a_setting_from_the_job(option: str) -> None:
    with pytest.raises(JobError) as refused:
        refuse_own(PROGRAM, {"taskmanager.numberOfTaskSlots": "4", option: "any"})

    assert refused.value.what == f"{option} is set by the job: {OWN[option]}"
    assert refused.value.where == "flink.options, job flights"


def test_an_environment_cannot_say_where_every_job_is_restored_from() -> None:
    with pytest.raises(JobError, match="would restore every job here"):
        refuse_own(PROGRAM, {"execution.state-recovery.path": "s3://lake/anything"})


@pytest.mark.parametrize("option", [*FREE, "s3.upload.max.concurrent.uploads"])
def test_an_environment_may_say_when_and_what_no_job_depends_on(option: str) -> None:
    refuse_own(PROGRAM, {option: "any"})


def test_the_settings_that_the_chain_depends_on_are_the_jobs_own() -> None:
    assert FORBIDDEN.keys() <= OWN.keys()


def test_a_source_begins_at_the_given_offsets_and_discovers_new_partitions() -> None:
    assert startup({1: 7, 0: 5}, "s1") == {
        "scan.startup.mode": "specific-offsets",
        "scan.startup.specific-offsets": "partition:0,offset:5;partition:1,offset:7",
        "scan.topic-partition-discovery.interval": "30 s",
        "properties.group.id": "headrace-s1",
        "properties.commit.offsets.on.checkpoint": "false",
    }


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """That of the tests' project. Its topics are there; Flink's own configuration says nothing."""
    monkeypatch.setenv("HEADRACE_PROJECT", str(PROJECT))
    monkeypatch.setattr("headrace.job.flink.submitted_options", lambda keys: dict.fromkeys(keys, ""))
    look_in(str(PROJECT))
    return Environment(Settings(store=Store(warehouse=f"file://{tmp_path}/lake")), topics(partitions=1))


def test_a_table_with_other_columns_is_refused(environment: Environment) -> None:
    program = assemble(load_job("events"))
    columns = [c for c in program.outputs[-1].columns if c.name != "amount"]
    DeltaTable.create(environment.warehouse.table_uri("events"), schema(columns), partition_by=["at_day"])

    with pytest.raises(LedgerError, match=r"other columns than its contract: amount \(missing in the table"):
        execute_job(program.job, environment)

    assert environment.ledger("events").claims() == []


def test_a_table_that_is_amended_by_another_key_is_refused(environment: Environment) -> None:
    job = load_job("events_by_hour")
    ledger = environment.ledger(job.name)
    ledger.put(DONE, 1, done(keys={job.name: ("lane",)}))

    with pytest.raises(LedgerError, match="another key than its contract: newer rows replace"):
        execute_job(job, environment)

    assert ledger.claims() == []
