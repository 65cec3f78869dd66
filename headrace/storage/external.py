"""Files that others wrote to object storage or this machine: fetched whole, identified by their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import obstore
from obstore.store import LocalStore, ObjectStore

from headrace import settings
from headrace.errors import UsageError
from headrace.storage.warehouse import bucket, store_errors


@dataclass(frozen=True)
class Fetched:
    """A copy on this machine."""

    address: str
    path: Path
    modified_ms: int
    """When the file was last written, in milliseconds since 1970."""
    sha256: str


def list_files(store: settings.Store, addresses: list[str]) -> list[str]:
    """The files at these addresses, in order; an address that ends in ``/`` stands for all files below it.

    Raises:
        UsageError: an address is neither ``s3://bucket/key`` nor a local file, or nothing is below it.
    """
    files: list[str] = []
    for address in addresses:
        if address.endswith("/"):
            files += _files_below(store, address)
        else:
            files.append(address if "://" in address else str(Path(address).resolve()))
    return files


def _files_below(store: settings.Store, address: str) -> list[str]:
    objects, prefix, base = _locate(store, address)
    with store_errors(address):
        keys = [str(e["path"]) for page in obstore.list(objects, prefix=prefix or None) for e in page]
    # Programs write markers beside their data: _SUCCESS, .part.crc
    data = sorted(key for key in keys if not key.rpartition("/")[2].startswith(("_", ".")))
    if not data:
        raise UsageError("there are no files", where=address)
    return [f"{base}{key}" for key in data]


@contextmanager
def fetch(store: settings.Store, address: str) -> Iterator[Fetched]:
    """Copy the file into a temporary folder for the duration of the context.

    Raises:
        UsageError: there is no such file.
        ClusterError: the object store does not answer.
    """
    objects, key, _ = _locate(store, address)
    digest = hashlib.sha256()
    with TemporaryDirectory() as folder:
        path = Path(folder) / Path(key).name
        with store_errors(address):
            try:
                response = obstore.get(objects, key)
            except FileNotFoundError as e:
                raise UsageError("there is no such file", where=address) from e
            with path.open("wb") as copy:
                for chunk in response.stream(min_chunk_size=8 << 20):
                    digest.update(chunk)
                    copy.write(chunk)
        modified = round(response.meta["last_modified"].timestamp() * 1000)
        yield Fetched(address, path, modified, digest.hexdigest())


def _locate(store: settings.Store, address: str) -> tuple[ObjectStore, str, str]:
    """Where the file is: a store, the key in it, and the prefix that turns a key into an address."""
    scheme, is_address, rest = address.partition("://")
    if scheme == "s3" and is_address:
        name, _, key = rest.partition("/")
        if not name or not (key or address.endswith("/")):
            raise UsageError(
                "this is not the address of a file", where=address, remedy="give s3://bucket/key"
            )
        return bucket(store, name), key, f"s3://{name}/"
    if is_address and scheme != "file":
        raise UsageError(
            f"{scheme}:// addresses cannot be read",
            where=address,
            remedy="give s3://bucket/key, or a local file",
        )
    path = Path(rest if is_address else address).resolve()
    return LocalStore(), str(path).lstrip("/"), "/"
