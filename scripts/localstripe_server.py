"""Run localstripe, which is no part of this project, from its own environment, on 127.0.0.1 only.

    /path/to/its/environment/bin/python scripts/localstripe_server.py 8420

By itself it would listen on all interfaces, and load what a run before left on the disk.
"""

from __future__ import annotations

import runpy
import socket
import sys
from typing import Any


class LoopbackSocket(socket.socket):
    """A socket that listens for this machine only."""

    def bind(self, address: Any) -> None:
        """Bind the port, whatever the host."""
        host = "::ffff:127.0.0.1" if self.family == socket.AF_INET6 else "127.0.0.1"
        super().bind((host, *address[1:]))


if __name__ == "__main__":
    port = sys.argv[1]
    socket.socket = LoopbackSocket  # type: ignore[misc]
    sys.argv = ["localstripe", "--from-scratch", "--port", port]
    runpy.run_module("localstripe", run_name="__main__", alter_sys=True)
