"""vaultpy run to its end as forks of one process, which all tests of this process share (see preloaded.py).

For tests of what the command says and does; how it starts, and what it meets then, the installed one shows.
"""

from __future__ import annotations

import atexit
import threading
from functools import cache
from typing import TYPE_CHECKING

from support.preloaded import Preloaded

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

_ONE_AT_A_TIME = threading.Lock()


def forked(environment: Mapping[str, str], *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run vaultpy without a terminal."""
    with _ONE_AT_A_TIME:
        return _preloaded().run(words, environment, stdin)


@cache
def _preloaded() -> Preloaded:
    preloaded = Preloaded()
    preloaded.__enter__()
    atexit.register(preloaded.__exit__, None, None, None)
    return preloaded
