"""The one parser of ``_metadata``, the file that Flink writes last into a checkpoint or savepoint.

The state of each seal operator names the submission that sealed it, and the output's newest manifest; Flink
keeps such small state inside ``_metadata``. The source positions are there too: each split of the Kafka
source as its serializer writes it (KafkaPartitionSplitSerializer), with topic, partition, next offset and
stopping offset. The enumerator's copies stand beside the readers' and may be older, so the greatest offset
counts.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

MAGIC = 0x4960672D
"""First four bytes of Flink's checkpoint metadata (MetadataSerializers.HEADER_MAGIC_NUMBER)."""
_HEADER = struct.Struct(">iiq")
"""Magic, version, and Flink's own number of the checkpoint."""
_SEALED = re.compile(rb"headrace-sealed\|([a-z0-9_]+)\|([a-z0-9_]+)\|([0-9A-Za-z-]+)\|(\d{10}-[0-9a-f]{16})")


def checkpoint_of(manifest: str) -> int:
    """The checkpoint's number in a manifest's id; it grows along a branch."""
    return int(manifest.partition("-")[0])


@dataclass(frozen=True, order=True)
class Checkpoint:
    """A restorable point of a submission: what a job that is restored from it goes on from."""

    number: int
    """As the branch counts, like the manifests."""
    path: str
    """Its address, as Flink takes it."""
    submission: str
    manifests: tuple[tuple[str, str], ...]
    """Per output, the parent of the first manifest after the checkpoint."""


def parse(raw: bytes, path: str) -> Checkpoint | None:
    """Read a checkpoint from its ``_metadata`` and its folder's address; None if it is not ours."""
    if len(raw) < _HEADER.size:
        return None
    magic, _, _ = _HEADER.unpack(raw[: _HEADER.size])
    sealed = {(m[2].decode(), m[3].decode(), m[4].decode()) for m in _SEALED.finditer(raw)}
    submissions = {submission for _, submission, _ in sealed}
    if magic != MAGIC or len(submissions) != 1:
        return None
    return Checkpoint(
        number=max(checkpoint_of(manifest) for _, _, manifest in sealed),
        path=path,
        submission=submissions.pop(),
        manifests=tuple(sorted((output, manifest) for output, _, manifest in sealed)),
    )


def flink_number(raw: bytes) -> int:
    """The number that Flink gave the checkpoint: a branch may count from elsewhere."""
    return int(_HEADER.unpack(raw[: _HEADER.size])[2])


_WATERMARK = re.compile(rb"headrace-watermark\|[a-z0-9_]+\|([a-z0-9_]+)\|(-?\d{1,19})\|")


_SPLIT_BEGINS = struct.Struct(">iiH")
"""Version 0, length of what follows, and that of the topic's name, as Java writes a UTF text."""


_SPLIT_ENDS = struct.Struct(">iqq")


def positions(raw: bytes, topic: str) -> dict[int, int]:
    """Partition → the next offset of the topic, according to ``_metadata``; negative: not resolved yet."""
    name = topic.encode()
    begins = _SPLIT_BEGINS.pack(0, 2 + len(name) + _SPLIT_ENDS.size, len(name)) + name
    found: dict[int, int] = {}
    for split in re.finditer(re.escape(begins) + b"(.{%d})" % _SPLIT_ENDS.size, raw, re.DOTALL):
        partition, offset, _ = _SPLIT_ENDS.unpack(split[1])
        found[partition] = max(offset, found.get(partition, offset))
    return found


def watermarks(raw: bytes) -> dict[str, int]:
    """Output → how far event time had come, in milliseconds, according to ``_metadata``."""
    return {m[1].decode(): int(m[2]) for m in _WATERMARK.finditer(raw)}
