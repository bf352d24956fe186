"""What `socat` does for docs/containers.md: every connection to one address goes on to another.

`python forwarder.py FROM TO`, each a port of 127.0.0.1 or the path of a UNIX socket. It says `ready`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading


def listener(address: str) -> socket.socket:
    """Listen at `address`; a UNIX socket is its user's alone."""
    if address.isdigit():
        return socket.create_server(("127.0.0.1", int(address)))
    os.umask(0o077)
    made = socket.socket(socket.AF_UNIX)
    made.bind(address)
    made.listen()
    return made


def connection(address: str) -> socket.socket:
    """Connect to `address`."""
    if address.isdigit():
        return socket.create_connection(("127.0.0.1", int(address)))
    made = socket.socket(socket.AF_UNIX)
    made.connect(address)
    return made


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes until the end of it."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def main(here: str, there: str) -> None:
    """Forward until killed."""
    with listener(here) as listening:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            near, _ = listening.accept()
            far = connection(there)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
