"""Files that others put on object storage, or on this machine: fetched whole, and known by their digest."""

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
    """The files at these addresses, in order; one that ends in ``/`` stands for all below it.

    Raises:
        UsageError: an address is neither ``s3://bucket/key`` nor a file here, or nothing is below it.
    """
    found: list[str] = []
    for address in addresses:
        if not address.endswith("/"):
            found.append(address if "://" in address else str(Path(address).resolve()))
            continue
        objects, prefix, base = _opened(store, address)
        with store_errors(address):
            every = [str(e["path"]) for page in obstore.list(objects, prefix=prefix or None) for e in page]
        # Programs leave notes beside what they write: _SUCCESS, .part.crc
        keys = sorted(key for key in every if not key.rpartition("/")[2].startswith(("_", ".")))
        if not keys:
            raise UsageError("there are no files", where=address)
        found += [f"{base}{key}" for key in keys]
    return found


@contextmanager
def fetch(store: settings.Store, address: str) -> Iterator[Fetched]:
    """The file as a temporary copy.

    Raises:
        UsageError: there is no such file.
        ClusterError: the object store does not answer.
    """
    objects, key, _ = _opened(store, address)
    digest = hashlib.sha256()
    with TemporaryDirectory() as folder:
        path = Path(folder) / Path(key).name
        with store_errors(address):
            try:
                got = obstore.get(objects, key)
            except FileNotFoundError as e:
                raise UsageError("there is no such file", where=address) from e
            with path.open("wb") as copy:
                for chunk in got.stream(min_chunk_size=8 << 20):
                    digest.update(chunk)
                    copy.write(chunk)
        modified = round(got.meta["last_modified"].timestamp() * 1000)
        yield Fetched(address, path, modified, digest.hexdigest())


def _opened(store: settings.Store, address: str) -> tuple[ObjectStore, str, str]:
    """Where the file is: a store, the key in it, and what stands before keys in addresses."""
    scheme, is_address, rest = address.partition("://")
    if scheme == "s3" and is_address:
        name, _, key = rest.partition("/")
        if not name or not (key or address.endswith("/")):
            raise UsageError("this names no file", where=address, remedy="give s3://bucket/key")
        return bucket(store, name), key, f"s3://{name}/"
    if is_address and scheme != "file":
        raise UsageError(
            f"{scheme}:// is no place that can be read",
            where=address,
            remedy="give s3://bucket/key, or a file here",
        )
    path = Path(rest if is_address else address).resolve()
    return LocalStore(), str(path).lstrip("/"), "/"
