"""An endpoint with credentials to fetch, and visitors that send it whatever they like."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from vaultpy.credentials import Credentials
from vaultpy.server.endpoint import Endpoint, new_token
from vaultpy.server.source import NoSuchPathError
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.server.limits import Limits

ACCOUNT = "123456789012"
CREDENTIALS = Credentials("ASIAX", Secret("the-secret"), Secret("the-session"), 4_000_000_000)
PATIENCE = 60
"""Seconds after which a visitor takes the endpoint for dead."""


class Shelf:
    """Has the same credentials at each of its paths, and remembers who asked."""

    def __init__(self, credentials: Credentials = CREDENTIALS) -> None:
        self.paths = {"/", "/profile/dev", "/role-arn/arn:aws:iam::123456789012:role/dev"}
        self.asked: list[str] = []
        self.account: str | None = ACCOUNT
        self.error: Exception | None = None
        self._credentials = credentials

    @property
    def secrets(self) -> list[Secret]:
        """What nobody may read who is not to have it."""
        return [self._credentials.secret_access_key, self._credentials.session_token]

    def credentials(self, path: str) -> tuple[Credentials, str | None]:
        """Return the credentials, or raise `error`."""
        self.asked.append(path)
        if path not in self.paths:
            raise NoSuchPathError
        if self.error is not None:
            raise self.error
        return self._credentials, self.account


class Visitor:
    """Whoever knows where an endpoint is, and its token."""

    def __init__(self, port: int, token: Secret, host: str = "127.0.0.1") -> None:
        self.port = port
        self.token = token
        self.host = host

    def filled(self, text: bytes) -> bytes:
        """Return `text` with HOST, PORT and TOKEN filled in."""
        text = text.replace(b"HOST", b"Host: 127.0.0.1:PORT\r\n").replace(b"PORT", b"%d" % self.port)
        return text.replace(b"TOKEN", self.token.reveal().encode())

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        """Return a connection."""
        connection = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        connection.settimeout(PATIENCE)
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            connection.connect((self.host, self.port))
        except OSError:
            connection.close()
            raise
        return connection

    def send(self, text: bytes) -> bytes:
        """Send `text`, filled in, on a connection of its own; return what comes until that is closed."""
        with self.connect() as connection:
            # Whoever is refused in the middle of a long request may not get to its end.
            with suppress(ConnectionError):
                connection.sendall(self.filled(text))
            return rest(connection)

    def is_served(self) -> bool:
        """Tell whether who may have the credentials gets them."""
        return status(self.send(GOOD)) == "200"


class Served(Visitor):
    """An endpoint, and one of its visitors."""

    def __init__(self, shelf: Shelf, limits: Limits | None = None, host: str = "127.0.0.1") -> None:
        token = new_token()
        self.shelf = shelf
        self.endpoint = Endpoint(shelf, token, host=host, limits=limits)
        super().__init__(self.endpoint.port, token, host)


GOOD = b"GET / HTTP/1.1\r\nHOSTAuthorization: TOKEN\r\n\r\n"
"""What gets the credentials, to be filled in."""


@contextmanager
def serving(
    shelf: Shelf | None = None, limits: Limits | None = None, host: str = "127.0.0.1"
) -> Iterator[Served]:
    """Serve."""
    served = Served(shelf or Shelf(), limits, host)
    served.endpoint.start()
    try:
        yield served
    finally:
        served.endpoint.close()


def rest(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    parts = []
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status(reply: bytes) -> str:
    """Return the status of a reply, empty where there is none."""
    words = reply.split(b" ", 2)
    return words[1].decode() if len(words) > 1 else ""
