"""What the endpoint bears of its visitors: any process here can be one, and any page in a browser."""

from __future__ import annotations

import os
import sys

from vaultpy.values import Value

BACKLOG = 1024
"""How many connections the system may hold until there is a place for them."""

_PLACES = 512
_SELECTED_ON_WINDOWS = 512
"""How many connections one `select` waits for there."""


class Limits(Value):
    """Sizes in bytes, times in seconds."""

    __slots__ = ("crowded_seconds", "fields", "head", "places", "seconds")
    head: int
    fields: int
    seconds: float
    crowded_seconds: float
    places: int

    def __init__(
        self,
        *,
        head: int = 16 * 1024,
        fields: int = 64,
        seconds: float = 5.0,
        crowded_seconds: float = 0.5,
        places: int = 0,
    ) -> None:
        """Bound what one visitor sends, and all visitors together.

        `head` is the size of the request line and all header fields, `fields` their number. A connection ends
        after `seconds`, whatever has come by then, and after `crowded_seconds` while none of the `places` is
        free. Without a number of places it is 512, but at most half of the files that this process may open.
        """
        self._set(
            head=head,
            fields=fields,
            seconds=seconds,
            crowded_seconds=crowded_seconds,
            places=places or places_of(_most_open()),
        )


def places_of(files: int) -> int:
    """Return how many visitors have a place where so many files may be open, -1 for any number."""
    return min(_PLACES, max(1, files // 2)) if files >= 0 else _PLACES


def _most_open(platform: str = sys.platform) -> int:
    if platform == "win32":
        return _SELECTED_ON_WINDOWS
    return os.sysconf("SC_OPEN_MAX")
