"""The only entry point."""

from __future__ import annotations

import os
import sys

import vaultpy
from vaultpy import warm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_STDERR = 2


def main() -> int:
    """Run the command line; returns the exit status."""
    _fill_closed_streams()
    try:
        if warm.run(sys.argv[1:], os.environ):
            return 0
        from vaultpy.cli.run import run

        status = run(sys.argv[1:], os.environ)
    except KeyboardInterrupt:
        status = vaultpy.errors.INTERRUPTED
    if status == vaultpy.errors.INTERRUPTED:
        _die_of_interrupt()
    from vaultpy.cli.context import leave

    return leave(status)  # to take the interpreter apart would be a third of all the work of a short run


def _fill_closed_streams() -> None:
    """Keep files from being opened as stdin, stdout or stderr; a command finds these closed, as they were."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)


def _die_of_interrupt(platform: str = sys.platform) -> NoReturn:
    """End as Ctrl-C ends a program, so that a shell's loop around us ends too; threads do not delay it."""
    if platform == "win32":
        from vaultpy.windows import end_as_control_c_does

        end_as_control_c_does()
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError("unreachable")


if __name__ == "__main__":
    sys.exit(main())
