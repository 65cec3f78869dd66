"""The main of a `flink run` that stays: it submits one job after the other, as each job's own main would."""

import os
from multiprocessing.connection import Client

from headrace.errors import HeadraceError
from headrace.job.declaration import find
from headrace.job.run import submit

PLACE = "HEADRACE_TEST_CLIENT"


def main() -> None:
    with Client(os.environ[PLACE], family="AF_UNIX") as link:
        while True:
            try:
                job, environment = link.recv()
            except EOFError:
                return
            os.environ.update(environment)
            try:
                link.send((submit(find(job)), ""))
            except HeadraceError as e:
                link.send(("", str(e)))


if __name__ == "__main__":
    main()
