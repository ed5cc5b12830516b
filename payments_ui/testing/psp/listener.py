"""The socket: from HTTP to a request, and from a response to HTTP."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, cast
from urllib.parse import urlsplit

from .exchange import MAX_BODY, ApiError, DroppedError, Request, Response

logger = logging.getLogger(__name__)
IDLE = 10.0
LAST_ANSWERS = 10.0
_HEADERS = {"X-Content-Type-Options": "nosniff", "X-Sandbox": "no real money"}


class Handler(BaseHTTPRequestHandler):
    """One request per connection."""

    timeout = IDLE
    server_version = "SandboxPSP"
    sys_version = ""

    def answer(self) -> None:
        """Read the request, let it be answered, and send the response."""
        listener = cast(Listener, self.server)
        with listener.at_work():
            try:
                self._send(self._respond(listener))
            except DroppedError:
                self.close_connection = True

    do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = do_PATCH = do_OPTIONS = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Log to the logger of this module."""
        logger.debug(format, *args)

    def _respond(self, listener: Listener) -> Response:
        try:
            body = self._body()
        except ApiError as error:
            return Response(error.status, error.body())
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, target.path, target.query, headers, body)
        return listener.respond(request)

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise ApiError(411, "length_required", "Send a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise ApiError(400, "invalid_length", "The Content-Length is wrong.")
        if int(length[:12]) > MAX_BODY:
            raise ApiError(413, "too_large", "The body is too large.")
        return self.rfile.read(int(length))

    def _send(self, response: Response) -> None:
        body = response.body.encode()
        self.send_response(response.status)
        headers = {"Content-Type": response.content_type, "Content-Length": str(len(body))}
        for name, value in (headers | _HEADERS | response.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Listener(ThreadingHTTPServer):
    """A thread for each request; `stop` waits until those being answered are answered."""

    daemon_threads = True
    request_queue_size = 128
    # Two sandboxes on one port would steal each other's calls.
    allow_reuse_port = False

    def __init__(self, address: tuple[str, int], respond: Callable[[Request], Response]) -> None:
        super().__init__(address, Handler)
        self.respond = respond
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, name="sandbox", daemon=True
        )
        self._working = 0
        self._idle = threading.Condition()

    def server_bind(self) -> None:
        """Bind the socket, without asking a name server what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def start(self) -> None:
        """Listen in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: not self._working, LAST_ANSWERS)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a request that is being answered."""
        with self._idle:
            self._working += 1
        try:
            yield
        finally:
            with self._idle:
                self._working -= 1
                self._idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong with a connection; clients that left are no error."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            logger.error("The sandbox could not answer.", exc_info=True)
