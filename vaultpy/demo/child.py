"""What the demo starts: vaultpy's own command line on the demo's wiring, which only this program brings in.

No option and no variable leads a real `vaultpy` here.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from vaultpy.errors import INTERRUPTED


def main(words: list[str]) -> None:
    """Run vaultpy and exit with its status; before its words stand the descriptors of key and finger."""
    try:
        status = _run(words)
    except KeyboardInterrupt:
        status = INTERRUPTED
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # threads may still be waiting for a touch


def _run(words: list[str]) -> int:
    from functools import partial
    from multiprocessing.connection import Connection

    from vaultpy.cli.run import run
    from vaultpy.demo.wiring import DemoWiring

    key, finger = int(words[0]), int(words[1])
    for descriptor in (key, finger):
        os.set_inheritable(descriptor, False)  # noqa: FBT003  # the command that exec becomes has no use for it
    wire = partial(DemoWiring, key=Connection(key), finger=Connection(finger, readable=False))
    return run(words[2:], os.environ, wire)
