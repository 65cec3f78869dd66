"""What differs by environment, typed: one YAML file per environment in ``deploy/env``, nothing else.

The environment is ``HEADRACE_ENV`` (default ``local``). Any single value can be overridden by
``HEADRACE__<SECTION>__<KEY>`` (``HEADRACE__FLINK__REST=http://127.0.0.1:18081``), so that tests and a
second stack on one machine need no second file. The file holds secrets by reference only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from headrace import project
from headrace.errors import UsageError

PREFIX = "HEADRACE__"
LOCAL = "stack: {}"
"""The whole file of an environment that is the local stack, with defaults."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(_Section):
    """How to reach the brokers."""

    bootstrap: str = "127.0.0.1:9092"
    topic_prefix: str = ""
    """Put before each contract's topic, where environments share brokers: ``dev.``."""

    def topic(self, name: str) -> str:
        """The whole name of a contract's topic here: building it by hand invites forgetting the prefix."""
        return self.topic_prefix + name


class Store(_Section):
    """How to reach the object store. ``access_key`` and ``secret_key`` are references, never values."""

    endpoint: str = "http://127.0.0.1:8333"
    region: str = "us-east-1"
    access_key: str = "env:AWS_ACCESS_KEY_ID"
    secret_key: str = "env:AWS_SECRET_ACCESS_KEY"  # noqa: S105 - a reference, not a secret
    warehouse: str = "s3://lake"


class Flink(_Section):
    """How to reach the cluster, and what differs by environment in a job (never what it means)."""

    rest: str = "http://127.0.0.1:8081"
    parallelism: int = Field(default=2, ge=1, le=120)
    options: dict[str, str] = Field(default_factory=dict)
    """More Flink options for every job here (timeouts, sizes); what would break a guarantee is refused."""


class Ports(_Section):
    """Ports of the local stack, all of them on 127.0.0.1; a taken one is an error that names it.

    All lie below the ports from which systems serve outgoing connections (Linux: from 32768 on), any of which
    may be taken for a moment by anything.
    """

    kafka: int = 9092
    kafka_controller: int = 9093
    s3: int = 8333
    s3_grpc: int = 18333
    s3_master: int = 9333
    s3_master_grpc: int = 19333
    s3_volume: int = 9340
    s3_volume_grpc: int = 19340
    s3_filer: int = 8888
    s3_filer_grpc: int = 18888
    s3_admin: int = 23646
    s3_admin_grpc: int = 23647
    flink_rest: int = 8081
    flink_rpc: int = 6123
    flink_blob: int = 6124


class LocalStack(_Section):
    """The local stack: where its data lies, how big its processes are, where its jars come from."""

    folder: str = ".headrace/stack"
    slots: int = Field(default=4, ge=1)
    taskmanagers: int = Field(default=1, ge=0)
    taskmanager_mb: int = Field(default=1728, ge=1280)
    jobmanager_mb: int = Field(default=1024, ge=768)
    kafka_heap_mb: int = Field(default=512, ge=256)
    short_lived: bool = False
    """For minutes, as in tests: what its JVMs would spend on compiling well is never paid back."""
    jars_cache: str = "~/.cache/headrace/jars"
    jars_repository: str = ""
    """A Maven repository's address; empty: the resolver's default."""
    ports: Ports = Ports()


class Settings(_Section):
    """All settings of one environment."""

    kafka: KafkaSettings = KafkaSettings()
    store: Store = Store()
    flink: Flink = Flink()
    stack: LocalStack = LocalStack()

    @model_validator(mode="before")
    @classmethod
    def _served_by_the_local_stack(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Where there is a ``stack`` section, addresses and credentials left out are those of that stack."""
        if raw.get("stack") is None:
            return {k: v for k, v in raw.items() if k != "stack"}
        stack = LocalStack.model_validate(raw["stack"])
        served = {
            "kafka": {"bootstrap": f"127.0.0.1:{stack.ports.kafka}"},
            "store": {
                "endpoint": f"http://127.0.0.1:{stack.ports.s3}",
                "access_key": f"file:{stack.folder}/secrets/access_key",
                "secret_key": f"file:{stack.folder}/secrets/secret_key",
            },
            "flink": {"rest": f"http://127.0.0.1:{stack.ports.flink_rest}"},
        }
        return raw | {section: given | (raw.get(section) or {}) for section, given in served.items()}


def load(env: str | None = None) -> Settings:
    """The settings of an environment, with overrides from the process environment.

    Raises:
        UsageError: no such file, an unknown key, or a value of the wrong type (file and key are named).
    """
    env = env or os.environ.get("HEADRACE_ENV", "local")
    path = project.root() / "deploy" / "env" / f"{env}.yaml"
    if not path.is_file():
        raise UsageError(
            f"no settings for environment {env!r}", where=str(path), remedy=_remedy_without_file(path)
        )
    raw: dict[str, Any] = yaml.safe_load(path.read_text()) or {}
    for key, value in sorted(os.environ.items()):
        if key.startswith(PREFIX):
            _put(raw, [part.lower() for part in key.removeprefix(PREFIX).split("__")], value)
    try:
        return Settings.model_validate(raw)
    except ValidationError as e:
        first = e.errors()[0]
        key = ".".join(str(x) for x in first["loc"])
        raise UsageError(f"setting {key}: {first['msg']}", where=str(path)) from e


def _remedy_without_file(path: Path) -> str:
    """What helps where a settings file is missing."""
    others = sorted(p.stem for p in path.parent.glob("*.yaml"))
    write = f"write that file; for the local stack it is one line: {LOCAL}"
    return f"set HEADRACE_ENV to one of {', '.join(others)}; or {write}" if others else write


def secret(reference: str) -> str:
    """The value behind ``env:NAME`` or ``file:PATH`` (a relative path starts at the project).

    Raises:
        UsageError: the reference has another form, or it has no value. The value is never shown.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name in os.environ:
        return os.environ[name]
    if kind == "file" and (path := project.root() / name).is_file():
        return path.read_text().strip()
    raise UsageError(
        "a secret is missing" if kind in ("env", "file") else "a secret must be given by reference",
        where=reference if kind in ("env", "file") else "",
        remedy="write env:NAME or file:PATH; those of the local stack are made by `headrace stack down` and"
        " then `headrace stack up`",
    )


def _put(tree: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = json.loads(value) if value.startswith("{") else value
