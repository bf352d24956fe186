"""Who gets an answer: a GET for this very address, with the token, and not from a page in a browser."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from vaultpy.server.answers import Answer, refusing
from vaultpy.values import Value

if TYPE_CHECKING:
    from vaultpy.values import Secret

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HTTP_PORT = 80
_VERSIONS = (b"1.0", b"1.1")
_WHERE_FROM = "take the address and the token from the variables that vaultpy set or printed"


class Request(Value):
    """The head of a request as it came; the names of the `fields` are in small letters."""

    __slots__ = ("fields", "method", "target", "version")
    method: bytes
    target: bytes
    version: bytes
    fields: tuple[tuple[bytes, bytes], ...]

    def __init__(
        self, method: bytes, target: bytes, version: bytes, fields: tuple[tuple[bytes, bytes], ...]
    ) -> None:
        self._set(method=method, target=target, version=version, fields=fields)

    def __repr__(self) -> str:
        return "Request()"  # a field of it is the token

    def values(self, name: bytes) -> list[bytes]:
        """Return what all the fields called `name` say."""
        return [value for field, value in self.fields if field == name]


class Rules:
    """What a request must be before anybody looks at its path."""

    def __init__(self, token: Secret, port: int, most_fields: int) -> None:
        """Keep `token`; a request must name this computer's loopback and `port` as its host."""
        self._token = token
        self._most_fields = most_fields
        self._hosts = {f"{name}:{port}".encode() for name in _NAMES}
        if port == _HTTP_PORT:
            self._hosts |= {name.encode() for name in _NAMES}

    def refusal(self, request: Request) -> Answer | None:
        """Return what to answer instead of credentials, None where the request may have them."""
        return self._malformed(request) or self._foreign(request) or self._unknown(request)

    def _malformed(self, request: Request) -> Answer | None:
        if request.version not in _VERSIONS:
            return refusing(505, "HttpVersionNotSupported", "this is a server of HTTP/1.1")
        if len(request.fields) > self._most_fields:
            return refusing(431, "TooManyFields", "the request has too many header fields")
        if request.method != b"GET":
            return refusing(405, "MethodNotAllowed", "only GET is answered here")
        if request.values(b"transfer-encoding") or request.values(b"content-length") not in ([], [b"0"]):
            return refusing(413, "ContentTooLarge", "a request has no body here")
        if not request.target.startswith(b"/"):
            return refusing(400, "BadTarget", "the path of the request does not begin with /")
        return None

    def _foreign(self, request: Request) -> Answer | None:
        """Refuse what a web page sends, by its own name or by one that was made to lead here."""
        hosts = request.values(b"host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return refusing(421, "ForeignHost", f"the request is for another host; {_WHERE_FROM}")
        if request.values(b"origin"):
            return refusing(403, "ForeignOrigin", "requests of web pages are not answered")
        return None

    def _unknown(self, request: Request) -> Answer | None:
        tokens = request.values(b"authorization")
        known = hmac.compare_digest(tokens[0] if tokens else b"", self._token.reveal().encode())
        if len(tokens) != 1 or not known:
            return refusing(
                403, "WrongToken", f"the Authorization header is not this server's; {_WHERE_FROM}"
            )
        return None
