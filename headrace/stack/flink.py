"""Assembles a Flink home from links: pip's Flink, the locked jars, headrace's JVM module; and ``conf/``.

``environment`` has the variables for each process that uses this Flink: its own, ``flink run`` and PyFlink.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from headrace import project
from headrace.settings import Settings
from headrace.stack import jvm
from headrace.stack.files import Folder, folder, write_if_changed
from headrace.stack.flink_config import TO_FILE, TO_STDOUT, Memory, config
from headrace.stack.java import QUICK, jdk
from headrace.stack.processes import Processes, Service

_ONE_LINE = 1 << 16
"""PyFlink and the shell scripts read config.yaml line by line."""


def assemble(settings: Settings, at: Folder, jars: dict[str, list[Path]]) -> Path:
    """Make the home match the installed package, the locks and the sources; return the JVM module's jar."""
    package, own = jvm.flink_package(), jvm.jar(settings.stack, at.build)
    shutil.copytree(
        package / "bin", at.flink / "bin", dirs_exist_ok=True
    )  # copies: the scripts look in their own folder
    python = sorted(
        (package / "opt").glob("flink-python-*.jar")
    )  # else Python functions fail in a session cluster
    shipped = sorted((package / "lib").glob("*.jar"))
    _link(at.flink / "lib", [*shipped, *python, *jars["flink"], own])
    _link(at.flink / "opt", sorted((package / "opt").iterdir()))
    _link(at.flink / "plugins", [p for p in sorted((package / "plugins").iterdir()) if p.is_dir()])
    _link(at.flink / "plugins" / "s3-fs-hadoop", jars["flink-s3"])
    write_if_changed(at.flink / "conf" / "config.yaml", yaml.safe_dump(config(settings, at), width=_ONE_LINE))
    for name, text in (("log4j-console", TO_STDOUT), ("log4j-cli", TO_FILE), ("log4j", TO_FILE)):
        write_if_changed(at.flink / "conf" / f"{name}.properties", text)
    for name in ("tmp", "pid"):
        (at.flink / name).mkdir(exist_ok=True)
    return own


def environment(settings: Settings) -> dict[str, str]:
    """Environment variables for a process that uses this stack. No secrets: credentials are in a file."""
    at, home = folder(settings.stack), folder(settings.stack).flink
    root = str(project.root().absolute())
    bins = [home / "bin", Path(sys.executable).parent, jdk().home / "bin"]
    return {
        "JAVA_HOME": str(jdk().home),
        "FLINK_HOME": str(home),
        "FLINK_CONF_DIR": str(home / "conf"),
        "FLINK_LIB_DIR": str(home / "lib"),
        "FLINK_OPT_DIR": str(home / "opt"),
        "FLINK_PLUGINS_DIR": str(home / "plugins"),
        "FLINK_LOG_DIR": str(at.path / "logs"),
        "FLINK_PID_DIR": str(home / "pid"),
        "FLINK_IDENT_STRING": "headrace",
        "AWS_REGION": settings.store.region,
        "AWS_ENDPOINT_URL": settings.store.endpoint,
        "AWS_SHARED_CREDENTIALS_FILE": str(at.credentials),
        "AWS_CREDENTIAL_PROFILES_FILE": str(at.credentials),  # the name that Hadoop's AWS SDK knows
        "PATH": _prepend("PATH", [str(b) for b in bins]),
        "PYTHONPATH": _prepend("PYTHONPATH", [root]),
        "PYFLINK_CLIENT_EXECUTABLE": sys.executable,
        "JVM_ARGS": " ".join(QUICK),  # `flink run` and compiling: this saves a fifth of their time
        "HEADRACE_PROJECT": root,
        "HEADRACE_ENV": os.environ.get("HEADRACE_ENV", "local"),
        "HEADRACE__STACK__FOLDER": str(at.path),
        **{
            f"HEADRACE__STACK__PORTS__{k.upper()}": str(v)
            for k, v in settings.stack.ports.model_dump().items()
        },
    }


def jobmanager(settings: Settings, at: Folder) -> Service:
    """The JobManager, with REST and web UI."""
    main = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
    flags = Memory(settings.stack.jobmanager_mb, worker=False).flags()
    return Service(
        "jobmanager",
        _java(at, flags, main, {}),
        env=environment(settings),
        ready=lambda: overview(settings) is not None,
        ports=("flink_rest", "flink_rpc", "flink_blob"),
        code=_own_module(at),
    )


def taskmanager(settings: Settings, at: Folder, number: int = 1) -> Service:
    """One TaskManager; ready when the JobManager can use this start of it.

    Its id is new at each start: a killed one stays on the JobManager's list until its heartbeat is missed.
    """
    name = f"taskmanager-{number}"
    ident = f"{name}-{secrets.token_hex(3)}"
    main = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
    own = {"taskmanager.resource-id": ident, "taskmanager.log.path": str(at.path / "logs" / f"{name}.log")}
    stack = settings.stack
    flags = Memory(stack.taskmanager_mb, worker=True).flags(short_lived=stack.short_lived)
    return Service(
        name,
        _java(at, flags, main, own),
        env=environment(settings),
        ready=lambda: Processes(at.path).ident(name) in taskmanagers(settings),
        ident=ident,
        code=_own_module(at),
    )


def _own_module(at: Folder) -> str:
    """The JVM module in the home; its name identifies the build."""
    return ", ".join(sorted(p.name for p in (at.flink / "lib").glob("headrace-jvm-*.jar")))


def overview(settings: Settings) -> dict[str, Any] | None:
    """The cluster's overview over REST; None while it does not answer."""
    return _rest(settings, "/overview")


def taskmanagers(settings: Settings) -> list[str]:
    """The ids of the TaskManagers that the JobManager can use: those that have offered their slots.

    One that is only registered may not know it yet. If the JobManager dies at that moment, such a TaskManager
    keeps asking the dead one, and never looks for a new one.
    """
    workers = (_rest(settings, "/taskmanagers") or {"taskmanagers": []})["taskmanagers"]
    return [str(t["id"]) for t in workers if t["slotsNumber"]]


def _rest(settings: Settings, path: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(settings.flink.rest + path, timeout=2) as answer:  # noqa: S310 - our own address
            document: dict[str, Any] = json.load(answer)
            return document
    except (OSError, ValueError):
        return None


def _java(at: Folder, flags: list[str], main: str, own: dict[str, str]) -> list[str]:
    """The command of one JVM, as Flink's scripts would start it: flink-dist is last on the class path."""
    path = sorted((at.flink / "lib").glob("*.jar"), key=lambda j: (j.name.startswith("flink-dist"), j.name))
    conf = at.flink / "conf"
    return [
        *(jdk().tool("java"), *flags, *jvm.opens()),
        f"-Dlog4j.configurationFile=file:{conf / 'log4j-console.properties'}",
        *("-cp", _joined(map(str, path)), main, "--configDir", str(conf)),
        *(f"-D{key}={value}" for key, value in own.items()),
    ]


def _link(into: Path, targets: list[Path]) -> None:
    """Make a folder contain links to exactly these files."""
    into.mkdir(parents=True, exist_ok=True)
    wanted = {t.name: t for t in targets}
    for old in into.iterdir():
        if old.is_symlink() and wanted.get(old.name) != old.readlink():
            old.unlink()
    for name, target in wanted.items():
        if not (into / name).is_symlink():
            (into / name).symlink_to(target)


def _prepend(name: str, first: list[str]) -> str:
    """A search path that begins with these entries, without duplicates."""
    inherited = os.environ.get(name, "").split(os.pathsep)
    return _joined(first + [p for p in inherited if p and p not in first])


def _joined(parts: Iterable[str]) -> str:
    return os.pathsep.join(parts)
