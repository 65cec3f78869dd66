"""When a record was written, and by whom: for people, no rule depends on it."""

from __future__ import annotations

import os
import pwd
from datetime import datetime, timezone


def now() -> str:
    """The current time, in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def current_user() -> str:
    """The user who runs this command."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
