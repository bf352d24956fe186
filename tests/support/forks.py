"""vaultpy run to its end as forks of one process, which all tests of this process share (see preloaded.py).

For tests of what the command says and does; how it starts, and what it meets then, the installed one shows.
That both say and do the same is seen to in `test_forks.py`.
"""

from __future__ import annotations

import atexit
import os
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
        return _preloaded(environment.get("LD_PRELOAD")).run(words, environment, stdin)


@cache
def _preloaded(library: str | None) -> Preloaded:
    """Return what forks commands as long as this process is there, one for each `library` it starts with."""
    preloaded = Preloaded(os.environ | ({"LD_PRELOAD": library} if library else {}))
    atexit.register(preloaded.__exit__, None, None, None)
    return preloaded.__enter__()
