import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.errors import StackError
from headrace.settings import Ports
from headrace.stack import ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_an_occupied_port_is_named_with_its_setting_and_its_holder(taken: int) -> None:
    with pytest.raises(StackError) as e:
        ports.require_free(Ports(flink_rest=taken), ["flink_rest"])

    assert e.value.facts["port"] == taken
    assert e.value.where == "stack.ports.flink_rest"
    assert "HEADRACE__STACK__PORTS__FLINK_REST" in e.value.remedy
    if Path("/proc/net/tcp").exists():
        assert f"pid {os.getpid()} " in str(e.value)


def test_only_the_requested_ports_are_checked(taken: int) -> None:
    ports.require_free(Ports(flink_rest=taken, kafka=ports.choose().kafka), ["kafka"])


def test_chosen_ports_differ_and_are_free() -> None:
    chosen = ports.choose().model_dump()

    assert len(set(chosen.values())) == len(Ports.model_fields)
    assert all(ports.is_free(port) for port in chosen.values())


def test_default_ports_lie_below_those_of_outgoing_connections() -> None:
    """Linux takes 32768 and above for them: any client of anything may hold such a port for a moment."""
    assert {name: port for name, port in Ports() if not 1024 < port < 32_768} == {}
