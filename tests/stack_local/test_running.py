"""The stack itself, on the real processes."""

import json

import obstore
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from headrace.stack import flink, local
from headrace.stack.processes import Processes
from headrace.storage.warehouse import connect
from tests.stack_fixtures import Stack


def test_everything_serves(stack: Stack) -> None:
    assert all(p.serves for p in local.status(stack.settings))


def test_up_starts_nothing_that_runs(stack: Stack) -> None:
    assert local.up(stack.settings) == []


def test_up_replaces_a_flink_that_runs_an_older_jvm_module(stack: Stack) -> None:
    processes = Processes(stack.folder)
    record = stack.folder / "run" / "taskmanager-1.json"
    before = processes.pid("taskmanager-1")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"code": "headrace-jvm-of-yesterday.jar"}))

    assert local.up(stack.settings) == ["taskmanager-1"]

    assert processes.pid("taskmanager-1") != before
    assert processes.ident("taskmanager-1") in flink.taskmanagers(stack.settings)


def test_a_killed_taskmanager_is_missed_and_comes_back(stack: Stack) -> None:
    processes = Processes(stack.folder)
    before = processes.ident("taskmanager-1")
    stack.kill_taskmanager()
    assert processes.pid("taskmanager-1") is None

    stack.start_taskmanager()

    assert processes.ident("taskmanager-1") in set(flink.taskmanagers(stack.settings)) - {before}


def test_a_second_taskmanager_joins_and_leaves(stack: Stack) -> None:
    stack.start_taskmanager(2)
    processes = Processes(stack.folder)
    both = {processes.ident("taskmanager-1"), processes.ident("taskmanager-2")}
    assert both <= set(flink.taskmanagers(stack.settings))

    stack.stop_taskmanager(2)

    assert processes.pid("taskmanager-2") is None


def test_taskmanagers_find_a_new_jobmanager(stack: Stack) -> None:
    stack.kill_jobmanager()

    stack.start_jobmanager()

    assert Processes(stack.folder).ident("taskmanager-1") in flink.taskmanagers(stack.settings)


def test_data_survive_down_and_up(stack: Stack) -> None:
    warehouse = connect(stack.settings.store)
    warehouse.put_new("survivor", b"here")
    _admin(stack).create_topics([NewTopic("survivor", 2, 1)])

    stopped = local.down(stack.settings)
    local.up(stack.settings)

    assert {"kafka", "store", "jobmanager", "taskmanager-1"} <= set(stopped)
    assert warehouse.find("survivor") == b"here"
    assert "survivor" in _admin(stack).list_topics()
    assert not warehouse.put_new("survivor", b"gone")
    obstore.delete(warehouse.objects, "survivor")


def test_no_process_log_holds_a_secret(stack: Stack) -> None:
    secret = (stack.folder / "secrets" / "secret_key").read_text().strip()

    for log in (stack.folder / "logs").iterdir():
        assert secret not in log.read_text(errors="replace"), log.name


def _admin(stack: Stack) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=stack.settings.kafka.bootstrap)
