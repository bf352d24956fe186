"""Sessions in the memory of this process: for one that runs long, where no other place takes them."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class MemoryPlace:
    """A `Place` that ends with the process."""

    name = "memory"
    quiet = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._texts: dict[str, tuple[str, float]] = {}

    def read(self, digest: str) -> str | None:
        """Return the text, or None where there is none or it has ended."""
        text, end = self._texts.get(digest, (None, 0.0))
        return text if end > self._clock() else None

    def write(self, digest: str, text: str, ttl: int) -> None:
        """Keep `text` for `ttl` seconds."""
        self._texts[digest] = text, self._clock() + ttl

    def delete(self, digest: str) -> None:
        """Remove the text, if it is there."""
        self._texts.pop(digest, None)

    def names(self) -> list[str]:
        """Return the digests of all that lives here."""
        return list(self._texts)
