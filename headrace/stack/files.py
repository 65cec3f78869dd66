"""The layout of a stack folder. Secrets in it are never readable by other users."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from headrace import project
from headrace.settings import LocalStack


@dataclass(frozen=True)
class Folder:
    """One stack's folder; its data survives ``down``."""

    path: Path

    @property
    def access_key(self) -> Path:
        """The object store's key, referred to by the settings."""
        return self.path / "secrets" / "access_key"

    @property
    def secret_key(self) -> Path:
        """The other half."""
        return self.path / "secrets" / "secret_key"

    @property
    def credentials(self) -> Path:
        """Both as an AWS credentials file, which the JVMs read: their configuration contains no secret."""
        return self.path / "secrets" / "aws_credentials"

    @property
    def build(self) -> Path:
        """Jars compiled here."""
        return self.path / "build"

    @property
    def flink(self) -> Path:
        """The Flink home."""
        return self.path / "flink"

    @property
    def kafka(self) -> Path:
        """The broker's configuration and data."""
        return self.path / "kafka"

    @property
    def store(self) -> Path:
        """The object store's data."""
        return self.path / "store"


def folder(settings: LocalStack) -> Folder:
    """The folder in these settings; a relative path starts at the project."""
    return Folder((project.root() / Path(settings.folder).expanduser()).absolute())


def make_secrets(at: Folder) -> None:
    """Write random credentials, once for the life of the folder: the store's data belongs to them."""
    for path in (at.access_key, at.secret_key):
        if not path.exists():
            write_private(path, secrets.token_hex(16) + "\n")
    key, hidden = at.access_key.read_text().strip(), at.secret_key.read_text().strip()
    write_private(at.credentials, f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {hidden}\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file if its text differs."""
    if not path.is_file() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
