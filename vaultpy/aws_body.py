"""The body of a request to AWS, which knows if it was sent, and of its answer, of which so much is read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_ANSWER = 1024 * 1024  # bytes; of the calls made here, AWS's longest answers have some thousands
_DOCUMENT_TYPE = b"<!DOCTYPE"


class TooLongError(Exception):
    """An answer over the limit."""


class Body(io.BytesIO):
    """A request's body that knows whether it began to be sent: it is read after the connection stands."""

    under_way = False

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes to be sent."""
        self.under_way = True
        return super().read(size)


class Bounded:
    """A response's body that ends with an error after `LARGEST_ANSWER` bytes."""

    def __init__(self, raw: Any) -> None:  # noqa: ANN401  # urllib3's response
        self._raw = raw

    def stream(self) -> Iterator[bytes]:
        """Yield the body as `AWSResponse.content` reads it; nothing of one with a document type.

        AWS writes none, and entities that are declared in it can make gigabytes of some lines.
        """
        found = bytearray()
        for piece in self._raw.stream():
            found += piece
            if len(found) > LARGEST_ANSWER:
                self._raw.close()
                raise TooLongError
        if _DOCUMENT_TYPE not in found.replace(b"\0", b""):  # zeros: as UTF-16 has it
            yield bytes(found)
