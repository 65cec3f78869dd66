"""The `_metadata` of a checkpoint, as far as headrace reads it: its submission, what was sealed and read."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from headrace.savepoint.metadata import MAGIC


def metadata(
    job: str,
    submission: str,
    manifests: Mapping[str, str],
    read: Mapping[str, Mapping[int, int]],
    watermark: int | None = None,
) -> bytes:
    """Its bytes.

    Args:
        job: the job.
        submission: which start of it.
        manifests: per output, the one from which a restored job continues.
        read: per topic, the next offset of each partition.
        watermark: of a derive job, how far event time had come, in milliseconds.
    """
    number = max(int(m.partition("-")[0]) for m in manifests.values())
    raw = struct.pack(">iiq", MAGIC, 6, number)
    for output, manifest in manifests.items():
        raw += f"\0Mheadrace-sealed|{job}|{output}|{submission}|{manifest}\0".encode()
        if watermark is not None:
            raw += f"\0Fheadrace-watermark|{job}|{output}|{watermark}|7\0".encode()
    return raw + b"".join(_split(topic.encode(), p, o) for topic, at in read.items() for p, o in at.items())


def _split(topic: bytes, partition: int, offset: int) -> bytes:
    """One partition of the Kafka source; it has no end."""
    begins = struct.pack(">iiH", 0, len(topic) + 22, len(topic)) + topic
    return begins + struct.pack(">iqq", partition, offset, -(1 << 63))
