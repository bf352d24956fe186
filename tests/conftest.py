"""What all tests share: fixtures, their order, and signals as a shell's foreground job has them.

A shell without job control starts background jobs with SIGINT and SIGQUIT ignored, which every command that
the tests start would inherit: none of them could be interrupted.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = [
    "support.fixtures",
    "support.figures",
    "support.fuzzing",
    "support.aws_fixtures",
    "support.keystore_fixtures",
]

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# The files that take longest, the longest first: workers that begin with them end at the same time.
LONG = ("error_zoo", "doctor", "rotate", "mfa_enroll", "rotate_on_yubikey", "exec_server", "time_travel")
LONG += ("documentation", "command_line", "mfa_verbs", "kill_sweep", "demo", "failures", "import", "each")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    places = {f"test_{name}": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
