"""A process that puts credentials into one section: `python -m support.writer PATH NAME TIMES`."""

from __future__ import annotations

import sys

from vaultpy.config_edit import edit
from vaultpy.credentials import Credentials
from vaultpy.credentials_section import settings_of, with_settings
from vaultpy.values import Secret


def _main(path: str, name: str, times: int) -> None:
    for time in range(times):
        settings = settings_of(Credentials(f"ASIA{name}", Secret("s"), Secret("t"), time), "x")
        edit(path, lambda text, put=settings: with_settings(text, path, name, put))  # type: ignore[misc]  # a default


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
