"""Where no server listens, a command reports it at once: it is typed most often when all are down."""

from __future__ import annotations

import importlib
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from kafka.errors import KafkaTimeoutError
from obstore.store import S3Store

from headrace import contact, settings
from headrace.cli import main as cli
from headrace.cluster import kafka
from headrace.cluster.kafka import topics
from headrace.errors import ClusterError
from headrace.offsets import Span
from headrace.read.tables import open_table
from headrace.storage.warehouse import Warehouse, connect, store_error
from headrace.verify.topic_scan import KafkaTopic

T = TypeVar("T")
WITHIN_S = 2.0
TRIES = 5
"""The quickest run counts: the promise is that a command does not wait, not that the machine is idle."""
WHY = ("--why", "x")

ASKING = [
    ("run", "flights"),
    ("stop", "flights"),
    ("status", "flights"),
    ("publish", "flights"),
    ("publish", "flights", "--follow"),
    ("query", "SELECT count(*) FROM flights"),
    ("verify", "flights"),
    ("verify", "departures_hourly"),
    ("diff", "flights", "--from-batch", "1"),
    ("branch", "ls", "flights"),
    ("branch", "show", "flights", "1"),
    ("branch", "set-aside", "flights", "1", *WHY),
    ("branch", "adopt", "flights", "1", *WHY),
    ("branch", "restart", "flights", *WHY),
    ("anchor", "flights"),
    ("anchor", "ls", "flights"),
    ("anchor", "show", "flights", "1"),
    ("anchor", "check", "flights", "1"),
    ("anchor", "adopt", "flights", "s3://lake/savepoint", *WHY),
    ("anchor", "expire", "flights", "--keep", "1"),
    ("replay", "plan", "flights", "--from-offsets", "0:0", *WHY),
    ("replay", "run", "flights", "1"),
    ("replay", "diff", "flights", "1"),
    ("replay", "publish", "flights", "1"),
    ("replay", "rollback", "flights", "1", *WHY),
    ("replay", "abort", "flights", "1", *WHY),
    ("replay", "ls", "flights"),
    ("replay", "show", "flights", "1"),
    ("patch", "ls", "flights"),
    ("patch", "show", "flights", "1"),
    ("patch", "judge", "flights", "1"),
    ("patch", "diff", "flights", "1"),
    ("patch", "apply", "flights", "1"),
    ("patch", "rollback", "flights", "1", *WHY),
    ("patch", "abort", "flights", "1", *WHY),
    ("backfill", "flights", "s3://lake/file.jsonl", *WHY),
    ("quarantine", "ls", "flights"),
    ("quarantine", "show", "flights"),
    ("quarantine", "redrive", "flights", *WHY),
    ("quarantine", "discard", "flights", "--all", *WHY),
    ("topic", "create", "flights"),
    ("topic", "show", "flights"),
    ("topic", "produce", "flights", __file__),
]
"""Every command that contacts a server, with arguments that get it that far."""

SENTENCE = re.compile(
    r"(http://)?127\.0\.0\.1:\d+: (Kafka|Flink|the object store) does not answer: the connection is refused"
    r"\s+→ `headrace stack status` shows what runs here, `headrace stack up` starts it; for another cluster"
    r" see (kafka\.bootstrap|flink\.rest|store\.endpoint) in deploy/env"
)
"""The sentence that reports a server's refusal."""

ASKING_KAFKA = [
    ("status", "flights"),
    ("topic", "create", "flights"),
    ("topic", "show", "flights"),
    ("topic", "produce", "flights", __file__),
]


@pytest.fixture
def closed() -> int:
    """A port that no server listens on."""
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        return int(occupied.getsockname()[1])


@pytest.fixture(autouse=True)
def _nothing_listens(closed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE__KAFKA__BOOTSTRAP", f"127.0.0.1:{closed}")
    monkeypatch.setenv("HEADRACE__STORE__ENDPOINT", f"http://127.0.0.1:{closed}")
    monkeypatch.setenv("HEADRACE__FLINK__REST", f"http://127.0.0.1:{closed}")
    for key in ("access_key", "secret_key"):
        (tmp_path / key).write_text("any")
        monkeypatch.setenv(f"HEADRACE__STORE__{key.upper()}", f"file:{tmp_path / key}")
    for noun in set(cli.NOUNS.values()):  # what is measured is the command, not its imports
        importlib.import_module(f"headrace.cli.{noun}")


def _run_quickest(command: tuple[str, ...]) -> tuple[int, float]:
    """Run a command several times; returns its exit code and the seconds of its quickest run."""

    def once() -> int:
        with pytest.raises(SystemExit) as end:
            cli.main(command)
        assert isinstance(end.value.code, int)
        return end.value.code

    return _quickest(once)


def _quickest(call: Callable[[], T]) -> tuple[T, float]:
    for _ in range(TRIES):
        began = time.monotonic()
        answer, seconds = call(), time.monotonic() - began
        if seconds < WITHIN_S:
            break
    return answer, seconds


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_a_refused_connection_is_reported_at_once(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code, seconds = _run_quickest(command)

    output = capsys.readouterr().err
    assert SENTENCE.search(output)
    assert "refused" not in SENTENCE.sub("", output), "it is reported once, and in this form"
    assert code == ClusterError.exit_code
    assert seconds < WITHIN_S


@pytest.mark.parametrize("command", ASKING_KAFKA, ids=" ".join)
def test_a_refused_connection_to_kafka_alone_is_reported_at_once(
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", f"file://{tmp_path}/lake")

    code, seconds = _run_quickest(command)

    assert "Kafka does not answer: the connection is refused" in capsys.readouterr().err
    assert code == ClusterError.exit_code
    assert seconds < WITHIN_S


def test_plan_reports_at_once_that_it_could_not_compare(capsys: pytest.CaptureFixture[str]) -> None:
    code, seconds = _run_quickest(("plan", "flights"))

    assert "refused" in capsys.readouterr().out
    assert code == 0
    assert seconds < WITHIN_S


def test_verify_reports_a_refused_connection_at_once(closed: int) -> None:
    bootstrap, span = f"127.0.0.1:{closed},localhost:{closed}", Span(0, 1, 2)

    def all_of_them() -> None:
        for ask in (
            lambda: KafkaTopic(bootstrap, "flights").scan(lambda *_: None),
            lambda: kafka.holes(bootstrap, "flights", [span]),
            lambda: kafka.produce(bootstrap, "flights", []),
        ):
            with pytest.raises(ClusterError, match="the connection is refused"):
                ask()

    assert _quickest(all_of_them)[1] < WITHIN_S


@pytest.mark.parametrize("client", ["obstore", "delta-rs", "kafka-python", "a consumer that proves"])
def test_a_server_that_goes_away_is_reported_in_the_same_sentence(client: str, closed: int) -> None:
    """The first contact succeeded: here the clients report, each with its own message."""
    address, endpoint = f"127.0.0.1:{closed}", f"http://127.0.0.1:{closed}"
    objects = S3Store(
        "lake",
        endpoint=endpoint,
        region="x",
        access_key_id="a",
        secret_access_key="b",  # noqa: S106 - it is never checked
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    options = {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "max_retries": "0"}
    secrets = {"AWS_REGION": "x", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    warehouse = Warehouse("s3://lake", objects, {**options, **secrets})

    def refused(error: ClusterError) -> None:
        raise error

    asking: dict[str, Callable[[], object]] = {
        "obstore": lambda: warehouse.read("key"),
        "delta-rs": lambda: open_table(warehouse, "flights"),
        "kafka-python": lambda: refused(
            topics.kafka_error(KafkaTimeoutError("no bootstrap"), address, "flights")
        ),
        "a consumer that proves": lambda: refused(KafkaTopic(address, "flights")._silent()),
    }
    with pytest.raises(ClusterError) as failed:
        asking[client]()

    assert SENTENCE.fullmatch(str(failed.value))


def test_a_request_that_the_store_refuses_is_not_a_refused_connection() -> None:
    output = str(store_error(OSError("403 Forbidden\nDebug source"), "s3://lake/flights"))

    assert output.startswith("s3://lake/flights: the object store refuses or fails: 403 Forbidden\n")


def test_an_unknown_host_is_named() -> None:
    with pytest.raises(ClusterError, match=r"there is no host 'no-such-host\.invalid'"):
        contact.require_listening("Kafka", "no-such-host.invalid:9092", "kafka.bootstrap")


def test_one_broker_of_several_is_enough(closed: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{closed},127.0.0.1:{server.getsockname()[1]}"
        contact.require_listening("Kafka", address, "kafka.bootstrap")


def test_a_running_publisher_waits_for_a_server_to_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A publisher that is already running keeps the retries of its clients."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("HEADRACE__STORE__ENDPOINT", address)
        connect(settings.load().store)

    connect(settings.load().store)


def test_an_address_behind_a_proxy_is_not_probed(closed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    monkeypatch.setenv("no_proxy", "elsewhere")
    contact.require_endpoint("the object store", f"http://127.0.0.1:{closed}", "store.endpoint")

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(ClusterError):
        contact.require_endpoint("the object store", f"http://127.0.0.1:{closed}", "store.endpoint")
