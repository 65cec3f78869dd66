"""A publisher, a process of its own that kills itself before a given step: ``publisher.py STEP [REPLAY]``."""

from __future__ import annotations

import os
import signal
import sys

from headrace.cluster.kafka import KafkaSource
from headrace.contract.load import load_contract
from headrace.job.environment import open_environment
from headrace.ledger import replays
from headrace.publish.publisher import Published, Publisher
from headrace.publish.replace import Replacer
from headrace.publish.tables import JobTables
from headrace.table.outputs import outputs


def main(fatal: str, replay: int | None = None) -> None:
    """Publish once, or swap a replay in; die by SIGKILL when ``fatal`` is reached."""

    def step(name: str) -> None:
        if name == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    environment, contract = open_environment(), load_contract("events")
    source = KafkaSource(environment.kafka, (contract.id,))
    tables = JobTables(environment.ledger(contract.id), contract, outputs(contract), source, step)
    if replay is None:
        Publisher(tables).publish()
    else:
        fork = replays.one(tables.ledger, replay).fork
        assert isinstance(Replacer(tables).replace(replay, fork), Published)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
