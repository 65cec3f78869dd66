"""The negative control of strictness: same rules, same sinks, read by Flink's own json that skips errors.

Without a lock: node ids do not matter in a job that is never restored.
"""

import re
from dataclasses import dataclass

from jobs.events import JOB

from headrace.contract.load import load_contract
from headrace.job import flink
from headrace.job.environment import open_environment
from headrace.job.ingest import IngestProgram
from headrace.job.program import Placement
from headrace.table.ddl import FORMAT

SUBMISSION = "lenient"
SOURCE = {
    "scan.startup.mode": "earliest-offset",
    "format": "json",
    "json.ignore-parse-errors": "true",
    "json.timestamp-format.standard": "ISO-8601",
}


@dataclass(frozen=True)
class Lenient(IngestProgram):
    """The job's program, but for the format of its source."""

    def tables(self, at: Placement) -> list[str]:
        """As the strict ones; what only the strict format knows of a record is NULL."""
        source, *others = super().tables(at)
        source = re.sub(r"(\w+) METADATA FROM 'value\.\w+' VIRTUAL", r"AS CAST(NULL AS \1)", source)
        return [re.sub(rf"\s*'{FORMAT}\..*", "", source), *others]


def main() -> None:
    """Claim and submit, as ``headrace.job.start.submit`` does."""
    environment = open_environment()
    env, kafka, warehouse = environment.settings, environment.kafka, environment.warehouse
    contract = load_contract(JOB.contract)
    program = Lenient(JOB, contract, (contract,))
    ledger = environment.ledger(JOB.name)
    topic = kafka.describe(kafka.topic(program.contract.topic))
    ledger.record_start(topic.name, topic.id, topic.log_start, contract=JOB.name)
    at = Placement(
        bootstrap=env.kafka.bootstrap,
        topic_prefix=env.kafka.topic_prefix,
        warehouse=warehouse.uri,
        submission=SUBMISSION,
        claim=ledger.record_claim(SUBMISSION, None, program.contract.version).number,
        startup={JOB.name: SOURCE},
    )
    # Without a plan nothing gives the sinks their ids, which the seal operator's own one asks for.
    options = env.flink.options | {"table.exec.uid.generation": "ALWAYS"}
    flink.create_environment(program, at, options).execute_sql(f"EXECUTE {program.statement_set()}")


if __name__ == "__main__":
    main()
