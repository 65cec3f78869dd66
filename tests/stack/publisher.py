"""A publisher as a process of its own that kills itself before a given step: ``publisher.py STEP [NTH]``."""

from __future__ import annotations

import os
import signal
import sys

from headrace import settings
from headrace.cluster.kafka import hole_verdicts
from headrace.contract.load import load_named
from headrace.lake.publish import Publisher
from headrace.lake.store import connect
from headrace.table.outputs import outputs


def main(fatal: str) -> None:
    """Publish once; die by SIGKILL when ``fatal`` is reached."""

    def step(name: str) -> None:
        if name == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    env = settings.load()
    holes = hole_verdicts(env.kafka.bootstrap, env.kafka.topic_prefix)
    contract = load_named("events")
    Publisher(connect(env.store), contract, outputs(contract), holes, step).once()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
