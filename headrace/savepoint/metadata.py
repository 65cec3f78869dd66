"""The one parser of ``_metadata``, the file that Flink writes last into a checkpoint or savepoint.

The state of each seal operator names the submission that sealed it, and the output's newest manifest; Flink
keeps such small state inside ``_metadata``. The source positions are there too, as the Kafka source's own
serializer writes them, and the names of the files that hold larger state.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

MAGIC = 0x4960672D
"""First four bytes of Flink's checkpoint metadata (MetadataSerializers.HEADER_MAGIC_NUMBER)."""
_HEADER = struct.Struct(">iiq")
"""Magic, version, and Flink's own number of the checkpoint."""
_SEALED = re.compile(rb"headrace-sealed\|([a-z0-9_]+)\|([a-z0-9_]+)\|([0-9A-Za-z-]+)\|(\d{10}-[0-9a-f]{16})")
_WATERMARK = re.compile(rb"headrace-watermark\|[a-z0-9_]+\|([a-z0-9_]+)\|(-?\d{1,19})\|")

_SPLIT_BEGINS = struct.Struct(">iiH")
"""Version 0, length of what follows, and that of the topic's name, as Java writes a UTF text."""
_SPLIT_ENDS = struct.Struct(">iqq")
"""Partition, next offset, stopping offset."""

_UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RELATIVE_FILE = re.compile(rb"(?<![\x05\x0b].{7})\x06\x00\x24(" + _UUID + rb")", re.DOTALL)
_FILE = re.compile(rb"\x02(.{7}[^\x01])..[a-z0-9]+://[^\x00-\x1f]+/(" + _UUID + rb")", re.DOTALL)
"""How `_metadata` names a state file (MetadataV2V3SerializerBase): a RelativeFileStateHandle has tag 6 and a
name, a FileStateHandle tag 2, a size and an address. Small state is stored inside `_metadata`, under the
address that it would have had, with tag 1 before it: a size that ends in 1 cannot be distinguished from that,
and is not looked for. An incremental state (tag 5 or 11) begins with its checkpoint's number, and the id of
its backend: that of checkpoint 6, 262, … ends in 6, and is not a tag."""
_FILE_SIZES = range(20_000, 1 << 40)
"""Sizes of state that Flink writes to a file of its own."""


def checkpoint_of(manifest: str) -> int:
    """The checkpoint's number in a manifest's id; it grows along a branch."""
    return int(manifest.partition("-")[0])


@dataclass(frozen=True, order=True)
class Checkpoint:
    """A checkpoint or savepoint: a point of a submission from which a job can be restored."""

    number: int
    """As the branch counts, like the manifests."""
    path: str
    """Its address, as Flink takes it."""
    submission: str
    manifests: tuple[tuple[str, str], ...]
    """Per output, the parent of the first manifest after the checkpoint."""
    metadata: bytes = field(compare=False, repr=False)
    """The content of its ``_metadata``."""

    @property
    def flink_number(self) -> int:
        """The number that Flink gave the checkpoint: a branch may count from elsewhere."""
        return int(_HEADER.unpack(self.metadata[: _HEADER.size])[2])

    def positions(self, topic: str) -> dict[int, int]:
        """See :func:`positions`."""
        return positions(self.metadata, topic)

    def watermarks(self) -> dict[str, int]:
        """See :func:`watermarks`."""
        return watermarks(self.metadata)

    def state_files(self) -> set[str]:
        """See :func:`state_files`."""
        return state_files(self.metadata)


def parse(metadata: bytes, path: str) -> Checkpoint | None:
    """Read a checkpoint from its ``_metadata`` and its folder's address; None if it is not ours."""
    if len(metadata) < _HEADER.size:
        return None
    magic, _, _ = _HEADER.unpack(metadata[: _HEADER.size])
    sealed = {(m[2].decode(), m[3].decode(), m[4].decode()) for m in _SEALED.finditer(metadata)}
    submissions = {submission for _, submission, _ in sealed}
    if magic != MAGIC or len(submissions) != 1:
        return None
    return Checkpoint(
        number=max(checkpoint_of(manifest) for _, _, manifest in sealed),
        path=path,
        submission=submissions.pop(),
        manifests=tuple(sorted((output, manifest) for output, _, manifest in sealed)),
        metadata=metadata,
    )


def positions(metadata: bytes, topic: str) -> dict[int, int]:
    """Partition → the next offset of the topic; negative: not resolved yet.

    Each split of the Kafka source is there as KafkaPartitionSplitSerializer writes it. The enumerator's
    copies are beside the readers' and may be older, so the greatest offset counts.
    """
    name = topic.encode()
    begins = _SPLIT_BEGINS.pack(0, 2 + len(name) + _SPLIT_ENDS.size, len(name)) + name
    offsets: dict[int, int] = {}
    for split in re.finditer(re.escape(begins) + b"(.{%d})" % _SPLIT_ENDS.size, metadata, re.DOTALL):
        partition, offset, _ = _SPLIT_ENDS.unpack(split[1])
        offsets[partition] = max(offset, offsets.get(partition, offset))
    return offsets


def watermarks(metadata: bytes) -> dict[str, int]:
    """Output → how far event time had come, in milliseconds."""
    return {m[1].decode(): int(m[2]) for m in _WATERMARK.finditer(metadata)}


def state_files(metadata: bytes) -> set[str]:
    """Names of the files that hold its state; state inside ``_metadata`` has none."""
    names = {name.decode() for name in _RELATIVE_FILE.findall(metadata)}
    return names | {
        name.decode() for size, name in _FILE.findall(metadata) if int.from_bytes(size, "big") in _FILE_SIZES
    }
