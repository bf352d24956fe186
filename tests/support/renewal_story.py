"""A renewal that does not wait: its pauses are moments of a story that a test tells."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from support.faults import Killed
from vaultpy.server.source import NoSuchPathError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vaultpy.credentials import Credentials
    from vaultpy.renewal import Renewal

PATIENCE = 30


class Life:
    """A renewal whose pauses are moments of a story."""

    def __init__(
        self, renewal: Renewal, there: Callable[[], bool], story: Iterator[None], let_go: Callable[[], None]
    ) -> None:
        """`there` waits for the command; `let_go` ends it, when the story has come to its end."""
        self._renewal, self._there, self._story, self._let_go = renewal, there, story, let_go
        self._failure: BaseException | None = None
        self._over = threading.Event()
        self._over.set()

    def begin(self) -> None:
        """Be about to run."""
        self._over.clear()

    def end(self) -> None:
        """Wait until it has run; raise what went wrong in the story."""
        assert self._over.wait(PATIENCE)
        if self._failure is not None:
            raise self._failure

    def credentials(self, path: str) -> tuple[Credentials, str | None]:
        """Return what is at hand; a request to a killed process finds nothing."""
        try:
            return self._renewal.credentials(path)
        except Killed:
            raise NoSuchPathError from None

    def run(self, pause: Callable[[float], bool]) -> None:
        """Run through the story."""
        del pause
        try:
            if self._there():
                try:
                    self._renewal.run(lambda _: next(self._story, self) is self)
                finally:
                    self._let_go()
        except Killed:
            pass
        except BaseException as failure:  # noqa: BLE001  # raised again on the thread that waits for it
            self._failure = failure
        finally:
            self._over.set()
