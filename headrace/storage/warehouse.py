"""The object store as headrace needs it: small records put if absent, listed in order, read whole.

Everything under the warehouse is addressed by a key relative to it (``flights/_staged/…``), so that
no other module knows buckets, endpoints or credentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import LocalStore, ObjectStore, S3Store

from headrace.contact import address_in, connection_failure, require_endpoint, unreachable
from headrace.errors import ClusterError, UsageError
from headrace.settings import Store, secret


@dataclass(frozen=True)
class Warehouse:
    """One warehouse: an object store rooted at its URI."""

    uri: str
    objects: ObjectStore
    delta_options: dict[str, str]
    """What ``deltalake`` needs to reach the same place; holds secrets, never printed."""

    def table_uri(self, table: str) -> str:
        """The address of a table, as readers know it."""
        return f"{self.uri}/{table}"

    def put_new(self, key: str, record: bytes) -> bool:
        """Write a record if its key is free; False if another writer was first. Never overwrites."""
        with store_errors(self.uri):
            try:
                obstore.put(self.objects, key, record, mode="create")
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

    def find(self, key: str) -> bytes | None:
        """All bytes of one object, or None."""
        try:
            return self.read(key)
        except FileNotFoundError:
            return None

    def read(self, key: str) -> bytes:
        """All bytes of one object.

        Raises:
            FileNotFoundError: there is none.
        """
        with store_errors(self.uri):
            return bytes(obstore.get(self.objects, key).bytes())

    def has(self, key: str) -> bool:
        """Whether there is such an object."""
        with store_errors(self.uri):
            try:
                obstore.head(self.objects, key)
            except FileNotFoundError:
                return False
            return True

    def keys(self, prefix: str, after: str | None = None) -> Iterator[str]:
        """Keys below a folder, in order, optionally only those after ``after``; not the folder's own."""
        with store_errors(self.uri):
            for page in obstore.list(self.objects, prefix=prefix, offset=after):
                yield from sorted(str(entry["path"]) for entry in page)

    def delete(self, key: str) -> None:
        """Remove one object; one that is gone already is fine."""
        with store_errors(self.uri):
            obstore.delete(self.objects, key)


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Turn the store's own errors, which are long, into one with a remedy.

    Raises:
        ClusterError: the store does not answer, or refuses.
    """
    try:
        yield
    except (AlreadyExistsError, PreconditionError, FileNotFoundError):
        raise
    except BaseError as e:
        raise store_error(e, uri) from e


def store_error(error: Exception, uri: str, what: str = "the object store refuses or fails") -> ClusterError:
    """A store's error as ours, whichever client met it.

    Args:
        error: obstore's, or that of delta-rs: texts of many lines.
        uri: the address that was used.
        what: what failed, if the store was reached.
    """
    message = str(error)
    if reason := connection_failure(message):
        return unreachable("the object store", address_in(message) or uri, "store.endpoint", reason)
    return ClusterError(
        f"{what}: {(message.splitlines() or [type(error).__name__])[0][:300]}",
        where=uri,
        remedy="see `headrace stack status`, and store.* in deploy/env",
    )


def connect(settings: Store) -> Warehouse:
    """The warehouse of an environment (``s3://…``, or ``file:///…`` for tests of pure logic).

    Raises:
        ClusterError: nothing listens at the store's endpoint, and nothing has in this process.
        UsageError: another kind of address.
    """
    uri = settings.warehouse.rstrip("/")
    scheme, _, rest = uri.partition("://")
    if scheme == "file":
        return Warehouse(uri, LocalStore(prefix=rest, mkdir=True), {})
    if scheme != "s3":
        raise UsageError("a warehouse is an s3:// address", where=f"store.warehouse = {uri}")
    require_endpoint("the object store", settings.endpoint, "store.endpoint")
    name, _, prefix = rest.partition("/")
    options = {
        "AWS_ENDPOINT_URL": settings.endpoint,
        "AWS_ACCESS_KEY_ID": secret(settings.access_key),
        "AWS_SECRET_ACCESS_KEY": secret(settings.secret_key),
        "AWS_REGION": settings.region,
        "AWS_ALLOW_HTTP": "true" if _plain(settings) else "false",
        "aws_conditional_put": "etag",
    }
    return Warehouse(uri, bucket(settings, name, prefix), options)


def bucket(settings: Store, name: str, prefix: str = "") -> ObjectStore:
    """A bucket of the environment's object store, rooted at a prefix."""
    return S3Store(
        name,
        prefix=prefix or None,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key_id=secret(settings.access_key),
        secret_access_key=secret(settings.secret_key),
        virtual_hosted_style_request=False,
        client_options={"allow_http": _plain(settings)},
        retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=30)},
    )


def _plain(settings: Store) -> bool:
    return settings.endpoint.startswith("http://")
