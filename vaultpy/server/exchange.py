"""One request and its reply, in bytes: HTTP by h11, without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

from vaultpy.server.answers import Answer, refusing
from vaultpy.server.rules import Request

if TYPE_CHECKING:
    from collections.abc import Callable


class Exchange:
    """Takes the request as it comes, and replies once; what is sent after it is not looked at."""

    def __init__(self, answer: Callable[[Request], Answer], most_bytes: int) -> None:
        """Let `answer` decide; `most_bytes` may come before the head of the request is complete."""
        self._answer = answer
        self._http = h11.Connection(h11.SERVER, most_bytes)

    def take(self, data: bytes) -> bytes | None:
        """Take what the visitor sent (some bytes); return the reply, None as long as more must come."""
        self._http.receive_data(data)
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            answer = refusing(
                error.error_status_hint, "BadRequest", "this is no request that HTTP/1.1 allows"
            )
            return self._reply(answer)
        if not isinstance(event, h11.Request):
            return None
        request = Request(event.method, event.target, event.http_version, tuple(event.headers))
        answer = self._answer(request)
        return self._reply(answer, with_body=request.method != b"HEAD")

    def _reply(self, answer: Answer, *, with_body: bool = True) -> bytes:
        """Return head and body in one: the second of two writes may have to wait 40 ms."""
        fields = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("Allow", "GET"),
            ("Connection", "close"),
        ]
        head = self._http.send(h11.Response(status_code=answer.status, headers=fields))
        return head + answer.body if with_body else head
