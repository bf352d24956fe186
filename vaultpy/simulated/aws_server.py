"""HTTP on loopback for the simulated AWS: connections stay open, each reply is one write and has Date.

That each of AWS's has one too is unproven A17.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from weakref import WeakSet

from vaultpy.simulated.sigv4 import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Reply:
    """What to send back; Date and Content-Length come by themselves."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: AwsServer

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = HttpRequest(self.command, self.path, tuple(self.headers.items()), self.rfile.read(length))
        reply = self.server.answer(request)
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_POST = _serve  # noqa: N815  # the names that http.server looks for

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.server.clock() if timestamp is None else timestamp, usegmt=True)

    def version_string(self) -> str:
        return "simulated-aws"

    def log_message(self, template: str, *args: object) -> None:
        pass


class AwsServer(ThreadingHTTPServer):
    """A server that asks `answer` for each reply; None closes the connection without one."""

    daemon_threads = False

    def __init__(self, answer: Callable[[HttpRequest], Reply | None], clock: Callable[[], float]) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.answer = answer
        self.clock = clock
        self._connections: WeakSet[socket.socket] = WeakSet()
        self._thread = Thread(target=self.serve_forever, args=(0.05,), name="simulated-aws", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.server_port}"

    def start(self) -> None:
        """Serve on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and wait for the threads behind them."""
        self.shutdown()
        self._thread.join()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept a connection, which `stop` can then find."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Report an error of our own; a client that has gone away is none."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
