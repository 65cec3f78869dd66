"""Turns a contract file into a :class:`Contract`, or into a list of all its problems, each with its line."""

from __future__ import annotations

import hashlib
from pathlib import Path

from headrace import project
from headrace.contract import document
from headrace.contract.document import Document
from headrace.contract.model import Contract
from headrace.contract.promises import Promises, read_promises
from headrace.contract.schema import read_schema
from headrace.contract.standard import check_shape
from headrace.contract.surroundings import Surroundings, read_surroundings
from headrace.contract.unused import Unused, unused
from headrace.errors import ContractError, HeadraceError, UsageError

SUFFIX = ".odcs.yaml"


def load_contract(name: str) -> Contract:
    """The contract with that id in ``contracts/``.

    Raises:
        UsageError: there is no such contract.
        ContractError: it is invalid.
    """
    path = project.contract_path(name)
    if not path.is_file():
        known = ", ".join(project.contract_names()) or "none yet"
        raise UsageError(
            f"there is no contract {name!r}", where=_shown(path), remedy=f"the contracts are: {known}"
        )
    return load(path)


def load_topic(name: str) -> Contract:
    """As :func:`load_contract`, but only for the contract of a topic.

    Raises:
        UsageError: it is the contract of a derived table.
    """
    contract = load_contract(name)
    if not contract.has_topic:
        raise UsageError(
            f"{name} is a derived table: it has no topic and no quarantine",
            where=_shown(project.contract_path(name)),
            remedy=f"late rows are in {name}__late; bad records in the quarantine of the topic that it reads",
        )
    return contract


def load(path: Path) -> Contract:
    """The contract in that file.

    Raises:
        ContractError: its first problem; ``facts["more"]`` counts the others.
    """
    contract, problems = examine(path)
    if contract is None:
        first, more = problems[0], len(problems) - 1
        remedy = f"{first.remedy} ({more} more: headrace check)" if more else first.remedy
        raise ContractError(first.what, where=first.where, remedy=remedy, more=more) from first
    return contract


def examine(path: Path) -> tuple[Contract | None, list[ContractError]]:
    """The contract and no errors, or None and every error that could be found in one run, by line."""
    try:
        raw = path.read_bytes()
        read = document.parse(raw, _shown(path))
    except OSError as e:
        return None, [
            ContractError("the contract cannot be read", where=_shown(path), remedy=str(e.strerror))
        ]
    except ContractError as e:
        return None, [e]
    check_shape(read)
    contract = None if read.problems else _contract(read, path, hashlib.sha256(raw).hexdigest())
    problems = sorted(read.problems, key=lambda e: int(e.where.rpartition(":")[2]))
    return (None if problems else contract), problems


def find_unused(path: Path) -> Unused:
    """What a valid contract states and nothing acts on."""
    return unused(document.parse(path.read_bytes(), _shown(path)))


def _contract(read: Document, path: Path, digest: str) -> Contract | None:
    """None if something is wrong; all parts are read anyway, so that every problem is reported."""
    around: Surroundings = read_surroundings(read, path.name.removesuffix(SUFFIX))
    columns, key, rules = read_schema(read)
    promises: Promises = read_promises(read, {c.name: c for c in columns}, key, around.kind)
    if read.problems:
        return None
    return Contract(
        kind=around.kind,
        id=around.id,
        version=around.version,
        path=path,
        description=around.description,
        owner=around.owner,
        topic=around.topic,
        topic_partitions=promises.topic_partitions,
        columns=columns,
        rules=rules,
        primary_key=key,
        event_time=promises.event_time,
        watermark_delay=promises.watermark_delay,
        max_future=promises.max_future,
        idle_after=promises.idle_after,
        max_drift=promises.max_drift,
        version_of=promises.version_of,
        unknown_fields=promises.unknown_fields,
        partition_by=promises.partition_by,
        late=promises.late,
        horizon=promises.horizon,
        state_ttl=promises.state_ttl,
        unbounded_state=promises.unbounded_state,
        counts=promises.counts,
        digest=digest,
    )


def _shown(path: Path) -> str:
    """The path relative to the project, where it is inside it."""
    try:
        return path.resolve().relative_to(project.root().resolve()).as_posix()
    except (HeadraceError, ValueError):
        return str(path)
