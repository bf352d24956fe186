"""Processes that are not our children."""

from __future__ import annotations

import threading
from pathlib import Path


def is_gone(process: int) -> bool:
    """Wait for the end of a process that is not our child; a zombie that nobody reaps has ended too."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        threading.Event().wait(0.05)  # nothing tells of it
    return False
