"""Free ports on the loopback address, and whether a given one is free."""

import contextlib
import errno
import random
import socket
from pathlib import Path

from services.runtime.stack.errors import StackError

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_BEGIN = 32_768
_LOWEST, _HIGHEST, _TRIES = 10_000, 65_535, 200


def free_port(host: str = "127.0.0.1") -> int:
    """Pick a port that nobody listens on, below the range that outgoing connections take theirs from.

    From within that range a connection could hold the port at the moment in which a dead server is started again.
    """
    below = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else _USUAL_BEGIN
    candidates = range(_LOWEST, below)
    for port in random.sample(candidates, k=min(_TRIES, len(candidates))):
        if _is_free(host, port):
            return port
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def claim_port(host: str, text: str) -> int:
    """Return the port that the user asked for by `BIHUAN_PORT`, `0` for any; refuse one that cannot be had."""
    if not text.isascii() or not text.isdigit() or int(text) > _HIGHEST:
        raise StackError(f"BIHUAN_PORT={text} is not a port: give a number from 1 to 65535.")
    port = int(text)
    if port == 0:
        return free_port(host)
    try:
        _listen(host, port)
    except PermissionError:
        raise StackError(f"Port {port} needs more rights than you have: set BIHUAN_PORT to one above 1023.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StackError(f"Port {port} is taken by another program: set BIHUAN_PORT to a free one.") from None
        raise StackError(f"Port {port} of {host} cannot be used ({error.strerror}): check BIHUAN_HOST.") from None
    return port


def _is_free(host: str, port: int) -> bool:
    with contextlib.suppress(OSError):
        _listen(host, port)
        return True
    return False


def _listen(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)
