"""An address on this computer that leads to a secret one, once.

A browser's address stands in its command line, in its history and perhaps in a log. So it gets one that is
worth nothing afterwards: the first visit is answered by a redirect, any other is not.
"""

from __future__ import annotations

import hmac
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from types import TracebackType

    from typing_extensions import Self

    from vaultpy.values import Secret

LOOPBACK = "127.0.0.1"
_TOKEN_BYTES = 32
_IDLE_SECONDS = 5
_POLL_SECONDS = 0.05


class OneUseAddress:
    """Leads to `target` while the context lasts, for the first visitor."""

    def __init__(self, target: Secret) -> None:
        """Listen on a port that the system chooses; raises OSError."""
        self._server = _Server(target)
        self._thread = Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="redirect", daemon=True
        )

    @property
    def url(self) -> str:
        """The address; 256 bits of it are random."""
        return f"http://{self._server.host}{self._server.path}"

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` until the visitor has got the redirect; tell whether that is so."""
        return self._server.visited.wait(seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a browser opens connections that it does not use

    def __init__(self, target: Secret) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.host = f"{LOOPBACK}:{self.server_port}"
        self.path = f"/{token_urlsafe(_TOKEN_BYTES)}"
        self.visited = Event()
        self._target: Secret | None = target
        self._turn = Lock()

    def take(self) -> Secret | None:
        """Return the target, the first time."""
        with self._turn:
            target, self._target = self._target, None
        return target

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Say nothing: a visitor that goes away is none."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        """Redirect the visitor who has the address, and came by it: not by a name that leads here."""
        known = hmac.compare_digest(self.path.encode("latin-1", "replace"), self.server.path.encode())
        own = self.headers.get_all("Host") == [self.server.host]
        target = self.server.take() if known and own else None
        self.close_connection = True
        self.send_response_only(302 if target else 410 if known and own else 404)
        if target:
            self.send_header("Location", target.reveal())
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        if target:
            self.server.visited.set()

    def log_message(self, template: str, *args: object) -> None:
        pass
