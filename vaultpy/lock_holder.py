"""Who holds a lock for too long, and what to do about it, as far as the system tells."""
# pathlib would cost every warm start milliseconds:
# ruff: noqa: PTH123

from __future__ import annotations

import os
import sys

import vaultpy

_FINDERS = {
    "darwin": "lsof {path} names it",
    "linux": "sudo fuser -v {path} names it",
    "win32": "resmon finds it by the file's name",
}


def held_too_long(
    path: str, descriptor: int, patience: float, platform: str = sys.platform
) -> vaultpy.errors.StateUnusable:
    """Return the error for the lock on the file `path`, open as `descriptor`, after `patience` seconds."""
    from shlex import quote

    holder = _holder(descriptor)
    who = f"process {holder}" if holder else "another process"
    finder = _FINDERS.get(platform, _FINDERS["linux"]).format(path=quote(path))
    how = f": kill -CONT {holder}" if holder else f" ({finder})"
    return vaultpy.errors.StateUnusable(
        path=path,
        reason=f"{who} has held its lock for {patience:g} s",
        remedy=f"end that process, or let it go on if it was stopped{how}",
    )


def _holder(descriptor: int) -> str:
    """Return the id of the process that holds the lock, as Linux lists it; empty where nothing tells.

    `fuser` would not name it to its own user: it hides its memory, and its descriptors with that.
    """
    try:
        with open("/proc/locks", encoding="utf-8") as file:
            lines = [line.split() for line in file]
    except OSError:
        return ""
    found = os.fstat(descriptor)
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    return next((words[4] for words in lines if words[1] == "FLOCK" and words[5] == place), "")
