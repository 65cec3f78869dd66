"""``flink run -pym headrace.job.judge``: a bounded job beside the live one, for the records of one patch.

Decoding, rules and the two outputs are those of the ingest job. Only the source of the records differs, and
it makes no claim: the files that it stages do not belong to the branch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from headrace import log
from headrace.errors import HeadraceError, UsageError
from headrace.job.assemble import assemble
from headrace.job.declaration import Ingest
from headrace.job.environment import Environment, open_environment
from headrace.job.ingest import JUDGED, SOURCE, IngestProgram
from headrace.job.job_file import load_job
from headrace.job.program import Placement
from headrace.job.ready import require_same
from headrace.job.start.begin import require_same_topic
from headrace.job.start.options import FORBIDDEN, offsets_option, refuse_overrides, refuse_own, startup
from headrace.job.start.submit import PATCH
from headrace.ledger import patches
from headrace.ledger.patch_history import require_open
from headrace.ledger.records import Patch
from headrace.report import report_error
from headrace.savepoint.retained import checkpoint_folder
from headrace.table.ddl import (
    decoded_view,
    decoder_ddl,
    epoch_millis_ddl,
    instant_of_millis_ddl,
    payloads_ddl,
    verdict_view,
)

INPUT = "payloads"
OPTIONS = {
    "execution.checkpointing.interval": "2s",  # a bounded job ends with the checkpoint after its last record
    "execution.checkpointing.externalized-checkpoint-retention": "DELETE_ON_CANCELLATION",
    "restart-strategy.type": "fixed-delay",  # a failed job is simply run again, so it should fail early
    "restart-strategy.fixed-delay.attempts": "3",
    "restart-strategy.fixed-delay.delay": "1s",
    "table.exec.uid.generation": "ALWAYS",  # the seal operator has one, and there is no compiled plan
}


@dataclass(frozen=True)
class JudgeProgram(IngestProgram):
    """The ingest program over the records of one patch."""

    patch: Patch

    def tables(self, at: Placement) -> list[str]:
        """The payloads, or the offsets of the topic; then as in the job itself."""
        if self.patch.input is None:
            return super().tables(at)
        return [
            decoder_ddl(),
            epoch_millis_ddl(),
            instant_of_millis_ddl(),
            payloads_ddl(name=INPUT, path=f"{at.warehouse}/{self.patch.input}"),
            decoded_view(self.contract, name=SOURCE, payloads=INPUT),
            verdict_view(self.contract, name=JUDGED, source=SOURCE),
            *self.sinks(at),
        ]


def execute_judging(job: str, number: int, submission: str, environment: Environment) -> str:
    """Execute the bounded job of a patch and return the id that Flink gave it.

    Args:
        job: an ingest job.
        number: of the patch.
        submission: the id of this submission.
        environment: where it runs.

    Raises:
        UsageError: the job keeps state.
        DecisionNeeded: the job was edited since the patch was asked for, or its topic was recreated.
        JobError: Flink is configured in a way that breaks the chain.
    """
    from headrace.job import flink  # noqa: PLC0415 - pyflink takes seconds, and only this function needs it

    env, declared = environment.settings, load_job(job)
    if not isinstance(declared, Ingest):
        raise UsageError(
            f"job {job} is not an ingest job: its rows do not correspond to records that can be judged again"
        )
    kafka, warehouse, ledger = environment.kafka, environment.warehouse, environment.ledger(job)
    patch = require_open(ledger, number)
    program = assemble(declared)
    require_same(ledger, program, patch)
    refuse_overrides(job, flink.submitted_options(FORBIDDEN) | env.flink.options)
    refuse_own(program, env.flink.options)
    bounds = {}
    if patch.input is None:
        topic = kafka.describe(kafka.topic(program.contract.topic))
        require_same_topic(ledger, topic)
        # Nothing of a partition added since then: its range is empty.
        bounds = startup(topic.log_start | patch.first, submission) | {
            "scan.bounded.mode": "specific-offsets",
            "scan.bounded.specific-offsets": offsets_option(topic.log_start | patch.end),
        }
    at = Placement(
        bootstrap=env.kafka.bootstrap,
        topic_prefix=env.kafka.topic_prefix,
        warehouse=warehouse.uri,
        submission=submission,
        startup={program.contract.id: bounds},
    )
    own = {
        "pipeline.name": patches.flink_name(job, number),
        "parallelism.default": str(env.flink.parallelism),
        "execution.checkpointing.dir": f"{warehouse.uri}/{checkpoint_folder(job, submission)}/checkpoints",
    }
    judging = JudgeProgram(declared, program.contract, program.reads, patch)
    table_env = flink.create_environment(judging, at, {**env.flink.options, **OPTIONS, **own})
    return str(table_env.execute_sql(f"EXECUTE {judging.statement_set()}").get_job_client().get_job_id())


def main() -> None:
    """Judge the patch that the environment names."""
    log.configure()
    job, number, submission = os.environ[PATCH].split()
    try:
        execute_judging(job, int(number), submission, open_environment())
    except HeadraceError as e:
        raise SystemExit(report_error(e)) from e


if __name__ == "__main__":
    main()
