"""HTTP for the fake PSP: requests, responses, routes, and the socket, on this machine only."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, cast
from urllib.parse import SplitResult, parse_qs, urlsplit

logger = logging.getLogger(__name__)

_LONGEST_BODY = 64 * 1024
_LONGEST_URL = 2000
# Seconds that a silent client may hold a connection.
_IDLE = 10.0
# Seconds that `stop` waits for requests that are being answered.
_LAST_ANSWERS = 10.0
_HEADERS = {"X-Content-Type-Options": "nosniff", "X-Sandbox": "no real money"}


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name leads to this machine: what Django takes in DEBUG, and 127.0.0.0/8.

    That is `localhost`, all names below it, and the loopback addresses.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def loopback_url(url: object) -> SplitResult:
    """Return the parts of a URL on this machine; ValueError for everything else."""
    if not isinstance(url, str) or len(url) > _LONGEST_URL or not re.fullmatch("[!-~]*", url):
        raise ValueError("A URL is printable ASCII text without spaces.")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or "\\" in url:
        raise ValueError("A URL begins with http:// or https:// and a host.")
    if not is_loopback_host(parts.hostname or ""):
        raise ValueError("The fake PSP calls this machine only: localhost, 127.0.0.1 and [::1].")
    _ = parts.port  # urlsplit reports a bad port only when it is asked for
    return parts


def is_loopback_origin(origin: str) -> bool:
    """Tell whether an origin, as a browser names it, is on this machine."""
    try:
        return loopback_url(origin).netloc != ""
    except ValueError:
        return False


class ApiError(Exception):
    """A request is answered with an error: HTTP status, code for programs, message for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def to_json(self) -> str:
        """Return the error as JSON."""
        return json.dumps({"error": {"code": self.code, "message": str(self)}})


class DroppedError(Exception):
    """The connection breaks: the client gets no answer."""


@dataclass(frozen=True)
class Request:
    """What the client sent; names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body; ApiError for any other body."""
        try:
            data = json.loads(self.body.decode())
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise ApiError(400, "invalid_json", "The body has to be a JSON object in UTF-8.")
        return data

    def form(self) -> dict[str, str]:
        """Return the last value of each field of an HTML form."""
        fields = parse_qs(self.body.decode(errors="replace"), max_num_fields=20)
        return {name: values[-1] for name, values in fields.items()}

    def params(self) -> dict[str, str]:
        """Return the last value of each parameter of the query string."""
        return {name: values[-1] for name, values in parse_qs(self.query).items()}

    def is_from_here(self) -> bool:
        """Tell whether the host name is this machine's, and so is the page that sent this."""
        origin = self.headers.get("origin")
        return is_loopback_host(self._host_name()) and (
            origin is None or is_loopback_origin(origin)
        )

    def is_same_origin(self) -> bool:
        """Tell whether the host name is this machine's, and the page that sent this is ours."""
        host = self.headers.get("host", "")
        origin = self.headers.get("origin")
        return is_loopback_host(self._host_name()) and origin in {None, f"http://{host}"}

    def _host_name(self) -> str:
        return self.headers.get("host", "").split(":")[0]


@dataclass(frozen=True)
class Response:
    """What the client gets."""

    status: int
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """Which handler answers a method and path; groups of the pattern become its arguments."""

    method: str
    pattern: str
    handler: Callable[..., Response]


def resolve(routes: list[Route], request: Request) -> Response:
    """Call the handler for the request's path and method; ApiError 404 or 405 without a route."""
    found = [(route, re.fullmatch(route.pattern, request.path, re.ASCII)) for route in routes]
    allowed = {route.method: (route.handler, match) for route, match in found if match}
    if not allowed:
        raise ApiError(404, "not_found", "Nothing has this address.")
    if request.method not in allowed:
        raise ApiError(405, "method_not_allowed", f"Use {', '.join(sorted(allowed))}.")
    handler, match = allowed[request.method]
    return handler(request, *match.groups())


class Listener(ThreadingHTTPServer):
    """A thread for each request; `stop` waits until open requests are answered.

    It sleeps until a client comes, and looks at no clock: thousands of tests start one each.
    """

    daemon_threads = True
    request_queue_size = 128
    # Two PSPs on a port would steal each other's calls.
    allow_reuse_port = False

    def __init__(self, address: tuple[str, int], respond: Callable[[Request], Response]) -> None:
        super().__init__(address, _Handler)
        self.respond = respond
        self._thread = threading.Thread(target=self._listen, name="fake-psp", daemon=True)
        self._stopping = False
        self._open_requests = 0
        self._idle = threading.Condition()

    def server_bind(self) -> None:
        """Bind the socket, without asking a name server for the name of this machine."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def start(self) -> None:
        """Listen in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopping = True
        if self._thread.is_alive():
            # A last client, who gets no answer, wakes it.
            with socket.create_connection(("127.0.0.1", self.server_port)):
                self._thread.join()
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: not self._open_requests, _LAST_ANSWERS)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether a client is answered."""
        return not self._stopping

    def _listen(self) -> None:
        while not self._stopping:
            self.handle_request()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request that is being answered."""
        with self._idle:
            self._open_requests += 1
        try:
            yield
        finally:
            with self._idle:
                self._open_requests -= 1
                self._idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error of a connection, unless the client left."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            logger.error("The fake PSP could not answer a request.", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """A request per connection."""

    timeout = _IDLE
    server_version = "SandboxPSP"
    sys_version = ""

    def answer(self) -> None:
        """Read the request, let it be answered, and send the response."""
        listener = cast(Listener, self.server)
        with listener.counted():
            try:
                self._send(self._respond(listener))
            except DroppedError:
                self.close_connection = True

    do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = do_PATCH = do_OPTIONS = answer

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)

    def _respond(self, listener: Listener) -> Response:
        try:
            body = self._body()
        except ApiError as error:
            return Response(error.status, error.to_json())
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, target.path, target.query, headers, body)
        return listener.respond(request)

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise ApiError(411, "length_required", "Send a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise ApiError(400, "invalid_length", "The Content-Length is no number.")
        if int(length[:12]) > _LONGEST_BODY:
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
