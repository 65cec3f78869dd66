"""``headrace stack up`` with processes that start and never serve: run with the folder of the stack."""

import signal
import sys
import time

from headrace.cli.main import main
from headrace.stack import local
from headrace.stack.processes import Service

DEAF = """import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""


def never() -> bool:
    """As a store that has taken a request and is not ready: nothing comes back."""
    time.sleep(600)
    return False


if __name__ == "__main__":
    services = [Service(name, [sys.executable, "-c", DEAF], ready=never) for name in ("kafka", "store")]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    local.prepare = lambda *_: services
    main(["stack", "up"])
