"""Records of the ledger: one that does not fit its model is named, and hashes are of the bytes as stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args

import obstore
import pytest
from pydantic import Field, TypeAdapter, create_model

from headrace.contract.load import load
from headrace.errors import LedgerError
from headrace.ledger import records
from headrace.ledger.ledger import Ledger
from headrace.ledger.records import (
    ANCHORS,
    BATCHES,
    CLAIMS,
    DECISIONS,
    DONE,
    FILES,
    JUDGED,
    MANIFESTS,
    PATCHES,
    REPLAYS,
    STARTS,
    Batch,
    Decision,
    Done,
    RecordKind,
    Stored,
)
from headrace.offsets import Span
from headrace.publish import effects
from headrace.record import Record
from headrace.settings import Store
from headrace.storage.warehouse import connect
from tests.ledger import sample_records as samples
from tests.publish.sealed_lake import CONTRACT, Killed, Lake, by, publish_two_batches

WHERE = "s3://lake/_headrace/events/record.json"
SIGNED: dict[str, Any] = {"number": 1, "why": "w", "by": "me", "at": samples.AT}
FACTS: dict[str, dict[str, Any]] = {
    "set-aside": {"claim": 1, "newest_claim": 2},
    "adopt": {"claim": 1, "newest_claim": 2},
    "restart": {"newest_claim": 2},
    "accept-loss": {"spans": ["0:1-2", "1:3"]},
    "accept-tail": {"claim": 1, "checkpoint": 3, "manifests": {"events": samples.MANIFEST}},
    "discard": {"spans": ["0:1-2"]},
    "undo": {"undoes": 1},
    "replace": {"replay": 1, "claim": 2, "newest_claim": 2},
    "roll-back": {"replay": 1, "claim": 1, "newest_claim": 2},
    "abort-replay": {"replay": 1},
    "publish-patch": {"patch": 1, "batch": 3, "rolls_back": None},
    "abort-patch": {"patch": 1},
    "expire": {"anchor": 1},
}
MANIFEST = {
    "format": 1,
    "id": samples.MANIFEST,
    "parent": None,
    "checkpoint": 1,
    "job": "events",
    "output": "events",
    "claim": 1,
    "submission": "s1",
    "contract_version": "1.0.0",
    "files": [{"path": "_staged/s1/part-1.parquet", "size": 1}],
}
CLAIM = {"number": 1, "submission": "s1", "restored_from": None, "contract_version": "1.0.0", "at": "now"}
START = {"topic": "events", "topic_id": "id", "offsets": {"0": 5, "10": 7}, "at": "now"}
FILE = {"number": 1, "address": "a", "sha256": "ab", "modified_ms": 0, "at": "now"}


def _stored(kind: RecordKind[Any], record: Record) -> tuple[RecordKind[Any], dict[str, Any]]:
    return kind, record.to_json()


EACH: dict[str, tuple[RecordKind[Any], dict[str, Any]]] = {
    "start": (STARTS, START),
    "claim": (CLAIMS, CLAIM),
    "manifest": (MANIFESTS, MANIFEST),
    "file": (FILES, FILE),
    **{action: (DECISIONS, {**SIGNED, "action": action, **facts}) for action, facts in FACTS.items()},
    "publish": _stored(BATCHES, samples.publish(outputs={"events": samples.output([], [samples.file()])})),
    "swap": _stored(BATCHES, samples.swap(removed={"events": (samples.file(),)})),
    "rollback": _stored(BATCHES, samples.rollback()),
    "patch batch": _stored(BATCHES, samples.patch_batch()),
    "patch rollback batch": _stored(BATCHES, samples.patch_rollback_batch()),
    "done": _stored(DONE, samples.done(fork=samples.FORK, tails=(Span(0, 1, 2),), epochs={0: (3, 4)})),
    "anchor": _stored(ANCHORS, samples.anchor(number=1)),
    "replay": _stored(REPLAYS, samples.replay(number=1)),
    "patch": _stored(PATCHES, samples.patch(number=1, files=(samples.counted_file(),), first={0: 1})),
    "judged": _stored(JUDGED, samples.judged({"events": [samples.file()]})),
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(connect(Store(warehouse=f"file://{tmp_path}/lake")), load(CONTRACT))


def test_every_kind_has_a_sample() -> None:
    kinds = {id(k) for k in vars(records).values() if isinstance(k, RecordKind)}
    assert {id(kind) for kind, _ in EACH.values()} == kinds
    assert FACTS.keys() == {_tag(m, "action") for m in _members(Decision)}
    assert {document["kind"] for kind, document in EACH.values() if kind is BATCHES} == {
        _tag(m, "kind") for m in _members(Batch)
    }


def _members(union: Any) -> tuple[Any, ...]:
    return get_args(get_args(union)[0])


def _tag(model: Any, field: str) -> str:
    return str(model.model_fields[field].default)


@pytest.mark.parametrize("name", EACH)
def test_a_record_reads_as_it_was_written(name: str) -> None:
    kind, document = EACH[name]
    read = kind.read(json.dumps(document).encode(), WHERE)
    assert kind.read(kind.write(read), WHERE) == read
    assert {k: v for k, v in read.to_json().items() if k in document} == document


def _broken(document: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The name of each field, with the record in which that field is wrong."""
    yield "unheard_of", json.dumps({**document, "unheard_of": 1}).encode()
    for name, value in document.items():
        wrong = {"a": 1} if isinstance(value, (str, int, list, bool)) else 7
        if name not in ("action", "kind") and value is not None:
            yield name, json.dumps({**document, name: wrong}).encode()
        if type(value) is int:
            yield name, json.dumps({**document, name: str(value)}).encode()
    yield "Invalid JSON", json.dumps(document).encode()[:-2]


@pytest.mark.parametrize("name", EACH)
def test_a_record_that_does_not_fit_its_model_is_named_with_its_address_and_the_field(name: str) -> None:
    kind, document = EACH[name]
    for field, raw in _broken(document):
        with pytest.raises(LedgerError) as e:
            kind.read(raw, WHERE)
        assert e.value.where == WHERE, field
        assert field in e.value.what
        assert "restore it from the bucket's versions" in e.value.remedy


@pytest.mark.parametrize("name", EACH)
def test_no_field_that_a_stored_record_needs_may_be_missing(name: str) -> None:
    kind, document = EACH[name]
    model = type(kind.read(json.dumps(document).encode(), WHERE))
    needed = [n for n, f in model.model_fields.items() if f.is_required() or n in kind.stamped]
    assert needed
    for field in needed:
        with pytest.raises(LedgerError, match=rf"{field}: Field required"):
            kind.read(json.dumps({n: v for n, v in document.items() if n != field}).encode(), WHERE)


@pytest.mark.parametrize(("kind", "tag"), [(BATCHES, "kind"), (DECISIONS, "action")])
def test_an_unknown_kind_is_refused(kind: RecordKind[Any], tag: str) -> None:
    with pytest.raises(LedgerError, match=f"'{tag}'"):
        kind.read(json.dumps({tag: "mirror"}).encode(), WHERE)


def test_a_record_at_another_number_is_refused(lake: Lake) -> None:
    lake.submit()
    place = "_headrace/events/claims/0000000002.json"
    obstore.put(lake.warehouse.objects, place, lake.warehouse.read(place.replace("2.", "1.")))
    with pytest.raises(LedgerError, match="number: 1, but its address has 2") as e:
        lake.ledger.claims()
    assert e.value.where == f"{lake.warehouse.uri}/{place}"


def test_a_plan_is_read_only_while_its_bytes_have_the_hash_in_its_name(lake: Lake) -> None:
    digest = lake.ledger.store_plan({"nodes": [], "edges": []})
    assert lake.ledger.plan(digest) == {"nodes": [], "edges": []}
    obstore.put(lake.warehouse.objects, f"_headrace/events/plans/{digest}.json", b'{"nodes": []}')
    with pytest.raises(LedgerError, match="does not have the hash in its name"):
        lake.ledger.plan(digest)


@pytest.mark.parametrize("act", [effects.commit, effects.branch_position, effects.decision])
def test_each_kind_of_batch_has_its_own_function(act: Any) -> None:
    assert {m for m in _members(Batch) if act.dispatch(m) is act.dispatch(object)} == set()


# hashes


@pytest.fixture
def newer() -> Iterator[None]:
    """A headrace whose batches and done records have an additional field with a default."""
    batches = tuple(_with_more(m) for m in _members(Batch))
    models: dict[RecordKind[Any], TypeAdapter[Any]] = {
        DONE: TypeAdapter(_with_more(Done)),
        BATCHES: TypeAdapter(Annotated[Union[batches], Field(discriminator="kind")]),  # noqa: UP007
    }
    before = {kind: kind.model for kind in models}
    for kind, model in models.items():
        object.__setattr__(kind, "model", model)
    yield
    for kind, model in before.items():
        object.__setattr__(kind, "model", model)


def _with_more(model: Any) -> Any:
    return create_model(f"Newer{model.__name__}", __base__=model, note=(str, "a default"))


def decided(lake: Lake) -> None:
    """Two finished batches, and one that is only decided."""
    publish_two_batches(lake)
    lake.seal(1, range(30, 33))
    with pytest.raises(Killed):
        lake.publisher("commit events__quarantine").publish()


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # it gets batches without the field
def test_an_added_field_leaves_every_chain_intact(lake: Lake, request: pytest.FixtureRequest) -> None:
    decided(lake)
    request.getfixturevalue("newer")
    assert lake.publish().head.batch == 3, "what the older one decided is finished"
    lake.seal(1, range(33, 35))
    assert lake.publish().head.batch == 4
    assert lake.rows() == by(1, range(25)) + by("bad", range(25, 30)) + by(1, range(30, 35))

    ledger = Ledger(lake.warehouse, "events")
    assert ledger.required(DONE, 1).to_json()["note"] == "a default", "it was read by the newer model"
    assert b"note" not in _bytes(lake, "done", 1), "and written by the older one"
    for number in (1, 2, 3, 4):
        before = _sha256(lake, "done", number - 1) if number > 1 else None
        assert ledger.required(BATCHES, number).after == before
        assert ledger.required(DONE, number).batch_digest == _sha256(lake, "batches", number)


def test_hashes_of_records_that_were_written_again_would_break_the_chain(
    lake: Lake, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test before."""
    decided(lake)
    request.getfixturevalue("newer")
    again = classmethod(lambda cls, r, _raw: cls(r, hashlib.sha256(r.model_dump_json().encode()).hexdigest()))
    monkeypatch.setattr(Stored, "of", again)
    with pytest.raises(LedgerError, match="batch 3 does not follow batch 2"):
        lake.publish()


def _bytes(lake: Lake, folder: str, number: int) -> bytes:
    return lake.warehouse.read(f"_headrace/events/{folder}/{number:010d}.json")


def _sha256(lake: Lake, folder: str, number: int) -> str:
    return hashlib.sha256(_bytes(lake, folder, number)).hexdigest()
