"""Requests to Flink's REST endpoint: JSON in and out, always with a deadline, with readable errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from headrace.contact import connection_failure, unreachable
from headrace.errors import ClusterError

ANSWER_WITHIN_S = 10.0
POLL_S = 0.2
"""Between two polls."""
SHOWN = 400
"""Characters of a cause that are shown: Flink reports stack traces of many pages."""


def ask(rest: str, path: str, body: Mapping[str, Any] | None = None, *, method: str | None = None) -> Any:
    """Send one request, and return the answer as JSON; an empty object if the answer is empty.

    Args:
        rest: the endpoint, like ``http://127.0.0.1:8081``.
        path: begins with a slash.
        body: sent as JSON, by POST.
        method: if not GET or POST.

    Raises:
        ClusterError: Flink refuses (``facts["status"]``: the HTTP status), or does not answer in time or not
            with JSON.
    """
    url = rest.rstrip("/") + path
    request = Request(  # noqa: S310 - the address is a setting
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        method=method,
    )
    try:
        with urlopen(request, timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310
            return json.loads(answer.read() or b"{}")
    except HTTPError as e:
        raise ClusterError(f"Flink refused: {_reason(e)}", where=url, status=e.code, remedy=_remedy(e)) from e
    except (URLError, OSError) as e:
        reason = str(getattr(e, "reason", e))
        raise unreachable("Flink", rest, "flink.rest", connection_failure(reason) or reason) from e
    except ValueError as e:
        raise ClusterError("the server there is not Flink", where=url, remedy="check flink.rest") from e


def root_cause(trace: str) -> str:
    """The innermost cause in a Java stack trace, short and on one line."""
    lines = _without_frames(trace)
    return _short(([x for x in lines if x.startswith("Caused by: ")] or lines[:1] or [""])[-1])


def last_cause(output: str) -> str:
    """The innermost cause, of Java or Python, in the output of a program that failed, on one line."""
    lines = _without_frames(output)
    # Py4J prints the Java exception after its own line, Python its exception last.
    return _short(([x for x in lines if x.startswith(("Caused by: ", ": "))] or lines or [""])[-1])


def _without_frames(trace: str) -> list[str]:
    lines = [line.strip() for line in trace.splitlines()]
    return [x for x in lines if x and not re.match(r"at [\w.$/]+\(|at java\.base/|\.\.\. \d+ more", x)]


def _short(cause: str) -> str:
    cause = re.sub(r"^(Caused by: |: )?", "", cause)
    return cause if len(cause) <= SHOWN else cause[: SHOWN - 2] + " …"


def _reason(error: HTTPError) -> str:
    raw = error.read().decode(errors="replace")
    try:
        errors = json.loads(raw)["errors"]
    except (ValueError, LookupError, TypeError):
        return f"HTTP {error.code} {error.reason}"
    # The first text is general ("Internal server error."), the cause comes after it.
    return root_cause(errors[-1]) or f"HTTP {error.code}"


def _remedy(error: HTTPError) -> str:
    missing = error.code == HTTPStatus.NOT_FOUND
    return "`flink list --all` shows the jobs that Flink knows" if missing else "see the JobManager's log"
