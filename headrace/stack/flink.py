"""A Flink home put together from links: pip's Flink, the locked jars, our own JVM module, our own ``conf/``.

``environment`` is what every process that meets this Flink needs: JobManager, TaskManagers, ``flink run``, PyFlink.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from headrace import project
from headrace.settings import Settings
from headrace.stack import jvm
from headrace.stack.files import Folder, folder, write_changed
from headrace.stack.java import jdk
from headrace.stack.ports import HOST
from headrace.stack.processes import Service

_LOG4J = """\
status = error
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.pekko.name = org.apache.pekko
logger.pekko.level = WARN
logger.netty.name = org.jboss.netty.channel.DefaultChannelPipeline
logger.netty.level = OFF
logger.hadoop.name = org.apache.hadoop
logger.hadoop.level = ERROR
"""


def assemble(settings: Settings, at: Folder, jars: dict[str, list[Path]]) -> Path:
    """Make the home match the installed package, the locks and the sources; gives the JVM module's jar."""
    package, own = jvm.flink_package(), jvm.jar(settings.stack, at.build)
    shutil.copytree(package / "bin", at.flink / "bin", dirs_exist_ok=True)  # copies: they look where they lie
    python = sorted(
        (package / "opt").glob("flink-python-*.jar")
    )  # else Python functions fail in a session cluster
    shipped = sorted((package / "lib").glob("*.jar"))
    _link(at.flink / "lib", [*shipped, *python, *jars["flink"], own])
    _link(at.flink / "opt", sorted((package / "opt").iterdir()))
    _link(at.flink / "plugins", [p for p in sorted((package / "plugins").iterdir()) if p.is_dir()])
    _link(at.flink / "plugins" / "s3-fs-hadoop", jars["flink-s3"])
    write_changed(at.flink / "conf" / "config.yaml", yaml.safe_dump(config(settings, at), width=10_000))
    for name in ("log4j-console", "log4j-cli", "log4j"):
        write_changed(at.flink / "conf" / f"{name}.properties", _LOG4J)
    (at.flink / "tmp").mkdir(exist_ok=True)
    return own


def environment(settings: Settings) -> dict[str, str]:
    """What a process needs to use this stack. No secret is in it: credentials are named by file."""
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
        "FLINK_PID_DIR": str(home / "tmp"),
        "FLINK_IDENT_STRING": "headrace",
        "AWS_REGION": settings.store.region,
        "AWS_ENDPOINT_URL": settings.store.endpoint,
        "AWS_SHARED_CREDENTIALS_FILE": str(at.credentials),
        "AWS_CREDENTIAL_PROFILES_FILE": str(at.credentials),  # the name that Hadoop's AWS SDK knows
        "PATH": _joined([*map(str, bins), *_inherited("PATH", map(str, bins))]),
        "PYTHONPATH": _joined([root, *_inherited("PYTHONPATH", [root])]),
        "PYFLINK_CLIENT_EXECUTABLE": sys.executable,
        "HEADRACE_PROJECT": root,
        "HEADRACE_ENV": os.environ.get("HEADRACE_ENV", "local"),
        "HEADRACE__STACK__FOLDER": str(at.path),
        **{
            f"HEADRACE__STACK__PORTS__{k.upper()}": str(v)
            for k, v in settings.stack.ports.model_dump().items()
        },
    }


def config(settings: Settings, at: Folder) -> dict[str, Any]:
    """Flink's ``config.yaml``: addresses of this stack, and defaults that do not lose data.

    Jobs set what they need by themselves; these hold for whatever else is submitted here.
    """
    ports, stack = settings.stack.ports, settings.stack
    shipped = yaml.safe_load((jvm.flink_package() / "conf" / "config.yaml").read_text())
    keep = settings.store.warehouse + "/_flink"
    return {
        "env.java.opts.all": shipped["env"]["java"]["opts"]["all"],
        "jobmanager.rpc.address": HOST,
        "jobmanager.bind-host": HOST,
        "jobmanager.rpc.port": ports.flink_rpc,
        "jobmanager.memory.process.size": stack.jobmanager_memory,
        "blob.server.port": str(ports.flink_blob),
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": ports.flink_rest,
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.numberOfTaskSlots": stack.slots,
        "taskmanager.memory.process.size": stack.taskmanager_memory,
        "io.tmp.dirs": str(at.flink / "tmp"),
        "web.log.path": str(at.path / "logs" / "jobmanager.log"),
        # A killed TaskManager is missed after two beats that nobody receives, not after 50 s of silence.
        "heartbeat.interval": "1 s",
        "heartbeat.timeout": "30 s",
        "parallelism.default": 1,
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "table.local-time-zone": "UTC",
        "state.backend.type": "rocksdb",
        "execution.checkpointing.incremental": True,
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.unaligned.enabled": False,
        "execution.checkpointing.aligned-checkpoint-timeout": "0 s",
        "execution.checkpointing.max-concurrent-checkpoints": 1,
        "execution.checkpointing.num-retained": 3,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.dir": f"{keep}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"{keep}/savepoints",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
        "s3.endpoint": settings.store.endpoint,
        "s3.endpoint.region": settings.store.region,
        "s3.path.style.access": True,
        "s3.aws.credentials.provider": "com.amazonaws.auth.profile.ProfileCredentialsProvider",
    }


def jobmanager(settings: Settings, at: Folder) -> Service:
    """The JobManager, with REST and web UI."""
    return Service(
        "jobmanager",
        [str(at.flink / "bin" / "jobmanager.sh"), "start-foreground"],
        env=environment(settings),
        ready=lambda: overview(settings) is not None,
        ports=("flink_rest", "flink_rpc", "flink_blob"),
    )


def taskmanager(settings: Settings, at: Folder, number: int = 1) -> Service:
    """One TaskManager; ready when the JobManager knows it by its name."""
    name = f"taskmanager-{number}"
    own = {"taskmanager.resource-id": name, "taskmanager.log.path": str(at.path / "logs" / f"{name}.log")}
    return Service(
        name,
        [
            str(at.flink / "bin" / "taskmanager.sh"),
            "start-foreground",
            *(f"-D{k}={v}" for k, v in own.items()),
        ],
        env=environment(settings),
        ready=lambda: name in taskmanagers(settings),
    )


def overview(settings: Settings) -> dict[str, Any] | None:
    """What the cluster says of itself over REST; None while it does not answer."""
    return _rest(settings, "/overview")


def taskmanagers(settings: Settings) -> list[str]:
    """The TaskManagers that the JobManager counts on, by name."""
    return [str(t["id"]) for t in (_rest(settings, "/taskmanagers") or {"taskmanagers": []})["taskmanagers"]]


def _rest(settings: Settings, path: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(settings.flink.rest + path, timeout=2) as answer:  # noqa: S310 - our own address
            found: dict[str, Any] = json.load(answer)
            return found
    except (OSError, ValueError):
        return None


def _link(into: Path, targets: list[Path]) -> None:
    """Make a folder hold links to exactly these."""
    into.mkdir(parents=True, exist_ok=True)
    wanted = {t.name: t for t in targets}
    for old in into.iterdir():
        if old.is_symlink() and wanted.get(old.name) != Path(os.readlink(old)):
            old.unlink()
    for name, target in wanted.items():
        if not (into / name).is_symlink():
            (into / name).symlink_to(target)


def _inherited(name: str, without: Any) -> list[str]:
    skip = set(without)
    return [p for p in os.environ.get(name, "").split(os.pathsep) if p and p not in skip]


def _joined(parts: list[str]) -> str:
    return os.pathsep.join(parts)
