"""The first contact with a server: where nothing listens, there is nothing to wait for.

The clients of Kafka and of object stores try a refused connection again, for seconds up to a quarter of a
minute. That is right for a server that restarts under a running publisher, and wrong for a command against a
stack that was never started. So a process looks once, before its first client: later ones have the client's
patience.
"""

from __future__ import annotations

import re
import socket
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from headrace.errors import ClusterError

CONNECTED_WITHIN_S = 0.5
"""A server that is slower than this is left to its client, which waits longer."""

KAFKA_PORT = 9092
"""What Kafka's clients take where an address names no port."""

REFUSED = "the connection is refused"
_NO_HOST = ("Name or service not known", "failed to lookup address", "nodename nor servname")
"""How resolvers report an unknown host."""

_PORTS = {"http": 80, "https": 443}


@cache  # what raises is not remembered
def require_listening(server: str, addresses: str, setting: str) -> None:
    """Refuse to go on where no server listens at any of these addresses; looks once a process.

    Args:
        server: what should listen there, for the message.
        addresses: ``host:port,…``.
        setting: where the addresses come from.

    Raises:
        ClusterError: each address refuses the connection, or has an unknown host name.
    """
    if reason := probe(addresses):
        raise unreachable(server, addresses, setting, reason)


def probe(addresses: str) -> str:
    """Try to connect; returns why no address can be reached: empty if one can, or if waiting may help."""
    reasons = [_probe(*_host_and_port(address)) for address in addresses.split(",")]
    return reasons[0] if all(reasons) else ""


def unreachable(server: str, addresses: str, setting: str, reason: str) -> ClusterError:
    """The one message for a server that cannot be reached, whichever it is."""
    return ClusterError(
        f"{server} does not answer: {reason}",
        where=addresses,
        remedy="`headrace stack status` shows what runs here, `headrace stack up` starts it; for another"
        f" cluster see {setting} in deploy/env",
    )


def connection_failure(message: str) -> str:
    """Why there was no connection, by the text of a client's error; empty where it is another error."""
    if re.search("connection ?refused", message, re.IGNORECASE):
        return REFUSED
    return "nobody knows its host" if any(text in message for text in _NO_HOST) else ""


def address_in(message: str) -> str:
    """The address that a client's error names, without its path; empty where it names none."""
    match = re.search(r"https?://[\w.:\[\]-]+", message)
    return match[0] if match else ""


def require_endpoint(server: str, url: str, setting: str) -> None:
    """The same for a URL; behind a proxy, only the client can find out.

    Raises:
        ClusterError: as :func:`require_listening`.
    """
    parts = urlsplit(url)
    if parts.scheme in getproxies() and not proxy_bypass(parts.netloc):
        return
    port = parts.port or _PORTS.get(parts.scheme, 443)
    require_listening(server, f"{parts.hostname}:{port}", setting)


def _host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address.strip() if "://" in address else f"//{address.strip()}")
    return parts.hostname or "", parts.port or KAFKA_PORT


def _probe(host: str, port: int) -> str:
    """Try to connect; returns why that fails: empty if it does not, or if waiting may help."""
    try:
        with socket.create_connection((host, port), CONNECTED_WITHIN_S):
            return ""
    except ConnectionRefusedError:
        return REFUSED
    except socket.gaierror as e:
        return f"there is no host {host!r}" if e.errno == socket.EAI_NONAME else ""
    except OSError:
        return ""
