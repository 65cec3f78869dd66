"""The parts of a contract outside its columns: id, owner, and where its topic and table are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.contract.document import Document, Path
from headrace.contract.model import ContractKind
from headrace.contract.standard import DESCRIPTION, ROOT, SERVER, TEAM, check_keys
from headrace.project import NAME

_API = re.compile(r"v3\.[012]\.\d+")
_VERSION = re.compile(r"(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}")
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
_FORMATS = {"kafka": "json", "s3": "delta"}


@dataclass(frozen=True)
class Surroundings:
    """Everything outside the schema."""

    kind: ContractKind
    id: str
    version: str
    description: str
    owner: str
    topic: str
    """Empty for a derived table."""


def read_surroundings(document: Document, file_name: str) -> Surroundings:
    """Read them, and record what is wrong; a part that is wrong becomes an empty string."""
    root = document.data
    check_keys(document, (), root, ROOT)
    _check_standard(document, root)
    kind = contract_kind(root)
    surroundings = Surroundings(
        kind=kind,
        id=_id(document, root.get("id"), file_name),
        version=_version(document, root.get("version")),
        description=_description(document, root.get("description") or {}),
        owner=_owner(document, root.get("team")),
        topic=_topic(document, root) if kind == "ingest" else "",
    )
    for i, server in enumerate(root.get("servers") or ()):
        _check_server(document, ("servers", i), server, file_name)
    _check_servers(document, root, kind)
    return surroundings


def contract_kind(root: Mapping[str, Any]) -> ContractKind:
    """The kind of the contract: its schema object is a topic that is ingested, or a table that is derived."""
    objects: list[dict[str, Any]] = root.get("schema") or [{}]
    return "derive" if objects[0].get("physicalType") == "table" else "ingest"


def _check_servers(document: Document, root: Mapping[str, Any], kind: ContractKind) -> None:
    types = [s.get("type") for s in root.get("servers") or ()]
    if kind == "ingest" and "kafka" not in types:
        remedy = (
            "add a server with type: kafka and format: json; for a derived table, write physicalType: table"
        )
        document.problem(("servers",), "no server of type kafka: nothing says that this is a topic", remedy)
    if kind == "derive" and "kafka" in types:
        path: Path = ("servers", types.index("kafka"), "type")
        document.problem(
            path, "a derived table has no topic", "remove the server, or write physicalType: topic"
        )


def _check_standard(document: Document, root: Mapping[str, Any]) -> None:
    if root.get("kind") != "DataContract":
        document.problem(("kind",), f"kind is {root.get('kind')!r}", "write kind: DataContract")
    if not _API.fullmatch(str(root.get("apiVersion"))):
        document.problem(
            ("apiVersion",), f"apiVersion is {root.get('apiVersion')!r}", "write apiVersion: v3.2.0"
        )


def _id(document: Document, id_: Any, file_name: str) -> str:
    if not id_ or not NAME.fullmatch(id_) or "__" in id_:
        remedy = "use lower-case letters, digits and single underscores; begin with a letter"
        document.problem(("id",), f"id {id_!r} is not a name" if id_ else "id is missing", remedy)
    elif id_ != file_name:
        what = f"id is {id_}, but the file is called {file_name}"
        document.problem(("id",), what, f"call the file {id_}.odcs.yaml")
    return str(id_)


def _version(document: Document, version: Any) -> str:
    if not _VERSION.fullmatch(str(version)):
        what = f"version {version} is not major.minor.patch" if version else "version is missing"
        document.problem(("version",), what, "write version: 1.0.0")
    return str(version)


def _description(document: Document, description: Mapping[str, Any]) -> str:
    check_keys(document, ("description",), description, DESCRIPTION)
    return str(description.get("purpose") or "")


def _owner(document: Document, team: Any) -> str:
    if not isinstance(team, dict) or not team.get("name"):
        remedy = "write team: and below it name: with the responsible team"
        document.problem(("team",), "the contract has no owner", remedy)
        return ""
    check_keys(document, ("team",), team, TEAM)
    return str(team["name"])


def _topic(document: Document, root: Mapping[str, Any]) -> str:
    """The standard has no key for a topic in a server; it is the schema's physical name."""
    path: Path = ("schema", 0, "physicalName")
    objects: list[dict[str, Any]] = root.get("schema") or [{}]
    name = objects[0].get("physicalName")
    if not name:
        remedy = "write physicalType: topic and physicalName: the topic's name"
        document.problem(path, "the schema object names no topic", remedy)
    elif not _TOPIC.fullmatch(name):
        what = f"{name!r} is not a topic name"
        document.problem(path, what, "use at most 249 letters, digits, '.', '_' and '-'")
    return str(name)


def _check_server(document: Document, path: Path, server: Mapping[str, Any], table: str) -> None:
    check_keys(document, path, server, SERVER)
    kind = str(server.get("type"))
    if kind not in _FORMATS:
        document.problem((*path, "type"), f"a server of type {kind} is not supported", "use kafka or s3")
        return
    wanted = _FORMATS[kind]
    # The standard's default for Kafka is json; for S3 it has none, and Parquet without Delta would be wrong.
    if (server.get("format") or ("json" if kind == "kafka" else "")) != wanted:
        what = f"the format of the {kind} server is {server.get('format') or 'missing'}"
        document.problem((*path, "format"), what, f"write format: {wanted}")
    if kind == "s3" and str(server.get("location")).rstrip("/").rpartition("/")[2] != table:
        what = f"location {server.get('location')} does not end in /{table}"
        document.problem((*path, "location"), what, "the table's folder has the name of the contract's id")
