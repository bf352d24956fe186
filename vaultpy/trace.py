"""What `--debug` shows: one line for each thing that is asked of a keystore, a key, the cache or AWS.

No secret is ever handed to `trace`; other libraries' loggers, which do see secrets, stay off.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_sinks: list[Callable[[str], None]] = []


def trace_to(sink: Callable[[str], None]) -> None:
    """Send every further line to `sink` too."""
    _sinks.append(sink)


def trace(text: str) -> None:
    """Say what is being done, to whoever listens."""
    for sink in _sinks:
        sink(text)
