"""The tests of the JVM module, run by JUnit; its own tree of names is the message when one is red."""

import pytest

from headrace import settings
from headrace.progress import silent
from headrace.stack import jvm


def test_the_jvm_module(tmp_path_factory: pytest.TempPathFactory) -> None:
    done = jvm.run_tests(settings.load().stack, tmp_path_factory.mktemp("jvm"), silent)

    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}"
