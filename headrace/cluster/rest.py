"""One request to Flink's REST endpoint: JSON in and out, a deadline always, and its errors made readable."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from headrace.contact import refusal_in, unreachable
from headrace.errors import ClusterError

ANSWER_WITHIN_S = 10.0
POLL_S = 0.2
"""Between two looks at what takes a moment."""
SHOWN = 400
"""Characters of a cause that are shown: Flink's own texts are stack traces of many pages."""


def ask(rest: str, path: str, body: Mapping[str, Any] | None = None, *, method: str | None = None) -> Any:
    """The answer to one request, as JSON; an empty object where Flink answers with nothing.

    Args:
        rest: the endpoint, like ``http://127.0.0.1:8081``.
        path: from the slash on.
        body: sent as JSON, by POST.
        method: another one than GET or POST.

    Raises:
        ClusterError: Flink answers no (``facts["status"]``: the HTTP status), not in time, or not with JSON.
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
        raise ClusterError(f"Flink says no: {_said(e)}", where=url, status=e.code, remedy=_remedy(e)) from e
    except (URLError, OSError) as e:
        said = str(getattr(e, "reason", e))
        raise unreachable("Flink", rest, "flink.rest", refusal_in(said) or said) from e
    except ValueError as e:
        raise ClusterError("what answers there is not Flink", where=url, remedy="look at flink.rest") from e


def root_cause(trace: str) -> str:
    """The innermost cause that a Java stack trace names, on one line and short."""
    lines = _without_frames(trace)
    return _short(([x for x in lines if x.startswith("Caused by: ")] or lines[:1] or [""])[-1])


def last_words(output: str) -> str:
    """The innermost cause in what a program wrote before it died, of Java's or of Python's, on one line."""
    lines = _without_frames(output)
    # Py4J puts the Java exception after its own line, and Python its exception last.
    return _short(([x for x in lines if x.startswith(("Caused by: ", ": "))] or lines or [""])[-1])


def _without_frames(trace: str) -> list[str]:
    lines = [line.strip() for line in trace.splitlines()]
    return [x for x in lines if x and not re.match(r"at [\w.$/]+\(|at java\.base/|\.\.\. \d+ more", x)]


def _short(cause: str) -> str:
    cause = re.sub(r"^(Caused by: |: )?", "", cause)
    return cause if len(cause) <= SHOWN else cause[: SHOWN - 2] + " …"


def _said(error: HTTPError) -> str:
    raw = error.read().decode(errors="replace")
    try:
        errors = json.loads(raw)["errors"]
    except (ValueError, LookupError, TypeError):
        return f"HTTP {error.code} {error.reason}"
    # The first text is a general one ("Internal server error."), the cause comes behind it.
    return root_cause(errors[-1]) or f"HTTP {error.code}"


def _remedy(error: HTTPError) -> str:
    missing = error.code == HTTPStatus.NOT_FOUND
    return "`flink list --all` shows the jobs that Flink knows" if missing else "see the JobManager's log"
