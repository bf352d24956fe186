"""Which of the user's programs use smart cards, as Linux's /proc tells: one of them may hold the key."""

from __future__ import annotations

import os
from pathlib import Path

# GnuPG's daemon may drive the reader itself, past the smart card service, whose library others load.
_KNOWN = {"scdaemon", "yubikey-agent"}
_LIBRARY = b"libpcsclite"
_OURS = "vaultpy"  # another run, which lets nobody look into its memory


def card_users(proc: Path = Path("/proc")) -> list[str]:
    """Return `name (pid)` of each, without this process; nothing where there is no /proc."""
    found = []
    for entry in sorted(proc.glob("[0-9]*"), key=lambda entry: int(entry.name)):
        name = ""
        try:
            name = (entry / "comm").read_text(errors="replace").strip()
            uses = name in _KNOWN or _LIBRARY in (entry / "maps").read_bytes()
        except PermissionError:
            uses = name == _OURS and entry.stat().st_uid == os.geteuid()
        except OSError:  # it ended, or is another user's
            continue
        if uses and entry.name != str(os.getpid()):
            found.append(f"{name} ({entry.name})")
    return found
