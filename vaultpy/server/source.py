"""Where the endpoint has its credentials from: the port, and what it may raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Protocol

    from vaultpy.credentials import Credentials

    class Source(Protocol):
        """Whatever has the credentials at hand."""

        def credentials(self, path: str) -> tuple[Credentials, str | None]:
            """Return the credentials and the account id for the path of a request, such as `/profile/dev`.

            It must return at once: everybody waits for it. Raises NoSuchPathError, answered by 404, and
            VaultpyError, answered by 503 with its two lines.
            """


class NoSuchPathError(Exception):
    """The source has no credentials at this path."""
