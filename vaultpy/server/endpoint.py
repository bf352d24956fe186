"""The endpoint on loopback where the AWS SDKs fetch credentials, as they do in a container."""

from __future__ import annotations

import socket
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import quote

from vaultpy.server.limits import BACKLOG, Limits
from vaultpy.server.visitors import Visitors
from vaultpy.values import Secret

if TYPE_CHECKING:
    from vaultpy.server.source import Source

_LOOPBACK = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}
_TOKEN_BYTES = 32
_CLOSING_SECONDS = 1.0
_AS_IT_IS = "/:@!$&'()*+,;="  # what a path may hold besides letters, digits and -._~ (RFC 3986)


def new_token() -> Secret:
    """Return a token for an `Endpoint`: 256 random bits, in letters that a header may hold."""
    from secrets import token_urlsafe

    return Secret(token_urlsafe(_TOKEN_BYTES))


class Endpoint:
    """Answers on loopback with the credentials of `source`, to whoever has `token`."""

    def __init__(
        self,
        source: Source,
        token: Secret,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
    ) -> None:
        """Listen, but answer nobody before `start`; port 0 lets the system choose.

        Raises OSError where the port cannot be had, and ValueError for a host that is not a loopback address.
        """
        if host not in _LOOPBACK:
            raise ValueError(f"{host} is not a loopback address")
        self._source = source
        self._token = token
        self._limits = limits or Limits()
        self._host = f"[{host}]" if ":" in host else host
        listener = socket.create_server((host, port), family=_LOOPBACK[host], backlog=BACKLOG)
        self._port: int = listener.getsockname()[1]
        self._visitors = Visitors(listener, self._limits)
        self._thread: Thread | None = None

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._port

    def url(self, path: str = "/") -> str:
        """Return the address of `path`, as AWS_CONTAINER_CREDENTIALS_FULL_URI takes it."""
        return f"http://{self._host}:{self._port}{quote(path, safe=_AS_IT_IS)}"

    def start(self) -> None:
        """Answer from now on, on a daemon thread."""
        self._thread = Thread(target=self._serve, name="endpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and drop every connection."""
        if self._thread is None:
            self._visitors.close()
        else:
            self._visitors.stop()
            self._thread.join(_CLOSING_SECONDS)

    def _serve(self) -> None:
        try:
            # This takes longer than all the rest of a start. Who comes meanwhile waits in the backlog.
            from vaultpy.server.reception import Reception

            self._visitors.serve(Reception(self._source, self._token, self._port, self._limits).exchange)
        finally:
            self._visitors.close()
