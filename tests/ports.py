"""Ports for servers that have to be told theirs."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack


def free_port(*, following: int = 0) -> int:
    """Return a port of 127.0.0.1 that is free, with so many ``following`` ones.

    It is below those that the system gives to whoever asks for any, and to each connection: one of
    these may be gone before the server is up.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with ExitStack() as trying:
            try:
                for number in range(port, port + 1 + following):
                    trying.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
            return port
